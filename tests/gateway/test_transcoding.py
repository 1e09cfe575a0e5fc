"""Instances in other transfer syntaxes over real HTTP: every sample and attribute as before."""

import mmap
import shutil
import subprocess
import tracemalloc
from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels import pixel_array
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from gateway.retrieve.codecs import ENCODABLE, encodable, is_decodable
from gateway.retrieve.errors import NotDecodable, NotEncodable
from gateway.retrieve.pixels import StoredPixels
from gateway.retrieve.transcoding import transcoded
from tests.gateway.index_helper import Gateway, written
from tests.gateway.retrieve_example import (
    BITS,
    DICOM,
    FILES,
    PIXELS,
    SERIES,
    STUDY,
    UIDS,
    get,
    image,
    instance_url,
    parts_of,
)
from tests.shared_data import SHARED_DATA, shared_data

LARGER = np.random.default_rng(6).integers(0, 4096, (3, 40, 33), np.uint16)
REAL = [
    str(path.relative_to(SHARED_DATA))
    for folder in ("transfer_syntaxes", "enhanced", "us", "mr_mosaic")
    for path in (SHARED_DATA / folder).rglob("*.dcm")
]
SIZE = {"Rows": 40, "Columns": 33}
# What follows from the transfer syntax, and is not compared.
FOLLOWS = {"PixelData", "PhotometricInterpretation", "PlanarConfiguration", "WaveformSequence"}


def _transcoded(content: bytes, syntax: str) -> Dataset:
    return dcmread(BytesIO(b"".join(transcoded(content, "1", syntax))))


def _attributes(dataset: Dataset) -> dict[str, object]:
    return {
        element.keyword: element.value
        for element in dataset
        if element.keyword not in FOLLOWS and element.tag.element
    }


@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless])
@pytest.mark.parametrize("name", [name for name in FILES if name not in ("undecodable", "report")])
def test_sc_33_an_instance_is_given_in_the_transfer_syntax_asked_for(root, name, syntax):
    """SC-33: losslessly compressed where that is possible, else a refusal that names what is."""
    response = get(instance_url(root, name), f"application/dicom; transfer-syntax={syntax}")
    stored = dcmread(BytesIO(FILES[name]))
    if name == "bits":
        assert response.status_code == 406
        assert ExplicitVRLittleEndian in response.json()["detail"]
        return
    given = dcmread(BytesIO(response.content))

    assert given.file_meta.TransferSyntaxUID == syntax
    assert response.headers["content-type"] == f"application/dicom; transfer-syntax={syntax}"
    assert given.file_meta.MediaStorageSOPInstanceUID == given.SOPInstanceUID == UIDS[name]
    assert _attributes(given) == _attributes(stored)
    np.testing.assert_array_equal(given.pixel_array, stored.pixel_array)


@pytest.mark.parametrize("source", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, *ENCODABLE])
@pytest.mark.parametrize("target", [ExplicitVRLittleEndian, *ENCODABLE])
@pytest.mark.parametrize("frames", [1, 3])
def test_sc_33_from_each_transfer_syntax_to_each_other(source, target, frames):
    """SC-33."""
    ds = image("multi", frames, PixelData=LARGER[:frames].tobytes(), **SIZE)
    content = written(ds, source if source == ImplicitVRLittleEndian else ExplicitVRLittleEndian)
    if source in ENCODABLE:
        content = b"".join(transcoded(content, "1", source))

    given = _transcoded(content, target)
    assert given.file_meta.TransferSyntaxUID == target
    np.testing.assert_array_equal(
        pixel_array(given, raw=True).reshape(LARGER[:frames].shape), LARGER[:frames]
    )


@pytest.mark.parametrize("target", ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.91", "1.2.3"])
def test_sc_33_lossy_and_unknown_targets_are_refused_with_what_is_possible(root, target):
    """SC-33."""
    for path in ("", f"/series/{SERIES}", f"/series/{SERIES}/instances/{UIDS['rle']}"):
        response = get(f"{root}/studies/{STUDY}{path}", f"{DICOM}; transfer-syntax={target}")
        assert response.status_code == 406
        detail = response.json()["detail"]
        assert ExplicitVRLittleEndian in detail
        assert JPEGLSLossless in detail


def test_sc_33_a_study_of_jpeg_2000_comes_uncompressed(gateway, root):
    """SC-33."""
    study = "2.25.202"
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1"}
    for number, samples in enumerate(LARGER, 1):
        own = {**uids, **SIZE, "SOPInstanceUID": f"{study}.1.{number}", "InstanceNumber": number}
        native = written(image("multi", PixelData=samples.tobytes(), **own))
        gateway.store(b"".join(transcoded(native, "1", JPEG2000Lossless)))

    explicit = f"{DICOM}; transfer-syntax={ExplicitVRLittleEndian}"
    for accept in (DICOM, explicit):
        found = parts_of(get(f"{root}/studies/{study}", accept))
        for (fields, body), samples in zip(found, LARGER, strict=True):
            assert fields["Content-Type"].endswith(f"={ExplicitVRLittleEndian}")
            given = dcmread(BytesIO(body))
            assert given.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
            np.testing.assert_array_equal(given.pixel_array, samples)


def test_colour_is_told_as_it_is_coded(root):
    for syntax, expected in ((JPEGLSLossless, ("RGB", 0)), (RLELossless, ("RGB", 1))):
        given = _transcoded(FILES["planes_rle"], syntax)
        told = (given.PhotometricInterpretation, given.PlanarConfiguration)
        assert told == expected


def test_offset_tables_of_the_stored_code_streams_do_not_stay():
    pixels = StoredPixels(FILES["multi_rle"], "1")
    tables = encapsulate_extended([pixels.stored(number) for number in (1, 2, 3, 4)])
    ds = dcmread(BytesIO(FILES["multi_rle"]))
    ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = tables

    given = _transcoded(written(ds, RLELossless), JPEGLSLossless)
    assert "ExtendedOffsetTable" not in given
    assert "ExtendedOffsetTableLengths" not in given
    np.testing.assert_array_equal(given.pixel_array, PIXELS)


def test_what_follows_the_pixel_data_still_follows_them():
    ds = image("explicit")
    ds.add_new(0xFFFCFFFC, "OB", b"\x01\x02\x03\x04")  # Data Set Trailing Padding

    for syntax in (ExplicitVRLittleEndian, JPEGLSLossless):
        given = _transcoded(written(ds, ImplicitVRLittleEndian), syntax)
        assert given[0xFFFCFFFC].value == b"\x01\x02\x03\x04"
        np.testing.assert_array_equal(given.pixel_array, PIXELS[0])


def test_single_bits_and_reports_can_only_be_rewritten():
    given = _transcoded(FILES["bits"], ExplicitVRLittleEndian)
    np.testing.assert_array_equal(given.pixel_array, BITS)
    assert "PixelData" not in _transcoded(FILES["report"], ExplicitVRLittleEndian)
    with pytest.raises(NotEncodable, match="no pixel data"):
        next(transcoded(FILES["report"], "1", JPEGLSLossless))


def test_a_code_stream_that_cannot_be_decoded_is_known_before_the_first_byte():
    broken = image("explicit", PixelData=encapsulate([b"\xff\x4f" * 30]))
    broken["PixelData"].VR = "OB"
    broken["PixelData"].is_undefined_length = True
    content = written(broken, JPEG2000Lossless)

    for syntax in (ExplicitVRLittleEndian, JPEGLSLossless):
        with pytest.raises((NotDecodable, NotEncodable)):
            next(transcoded(content, "1", syntax))


def test_among_others_it_is_given_as_stored(tmp_path):
    broken = image("rle", PixelData=encapsulate([b"\xff\x4f" * 30]))
    broken["PixelData"].VR = "OB"
    broken["PixelData"].is_undefined_length = True
    content = written(broken, JPEG2000Lossless)
    gateway = Gateway(tmp_path)
    gateway.store(FILES["implicit"], content, FILES["jpegls"])
    with gateway.serving() as root:
        found = parts_of(get(f"{root}/dicom-web/studies/{STUDY}", DICOM))
        alone = get(f"{root}/dicom-web/studies/{STUDY}/series/{SERIES}/instances/{UIDS['rle']}")
    gateway.close()

    told = [fields["Content-Type"].partition("transfer-syntax=")[2] for fields, _ in found]
    assert told == [ExplicitVRLittleEndian, JPEG2000Lossless, ExplicitVRLittleEndian]
    assert found[1][1] == content
    assert alone.status_code == 406
    assert "transfer-syntax=*" in alone.json()["detail"]


@pytest.mark.parametrize("target", [ExplicitVRLittleEndian, *ENCODABLE])
def test_few_frames_of_many_are_in_memory_at_a_time(tmp_path, target):
    frames, side = 60, 256
    noise = np.random.default_rng(1).integers(0, 4096, (side, side), np.uint16)
    value = b"".join(np.roll(noise, number).tobytes() for number in range(frames))
    native = written(image("multi", frames, Rows=side, Columns=side, PixelData=value))
    source = JPEGLSLossless if target == ExplicitVRLittleEndian else ExplicitVRLittleEndian
    path = tmp_path / "film.dcm"
    path.write_bytes(b"".join(transcoded(native, "1", source)))

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        tracemalloc.start()
        length = sum(map(len, transcoded(content, "1", target)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert length > frames * side * side / 2
    assert peak < 20 * side * side * 2


@pytest.mark.parametrize(
    ("syntax", "tool"), [(JPEGLSLossless, "dcmdjpls"), (RLELossless, "dcmdrle")]
)
@pytest.mark.parametrize("name", ["multi", "planes_rle", "jpegls", "rle"])
def test_dcmtk_reads_what_is_made(tmp_path, name, syntax, tool):
    if shutil.which(tool) is None:
        pytest.skip("DCMTK is not installed (apt-get install dcmtk)")
    made, plain = tmp_path / "made.dcm", tmp_path / "plain.dcm"
    made.write_bytes(b"".join(transcoded(FILES[name], "1", syntax)))
    subprocess.run([tool, str(made), str(plain)], check=True)

    expected = dcmread(BytesIO(FILES[name])).pixel_array
    np.testing.assert_array_equal(dcmread(plain).pixel_array, expected)


@pytest.mark.parametrize("target", [ExplicitVRLittleEndian, *ENCODABLE])
@pytest.mark.parametrize("name", sorted(REAL) or ["transfer_syntaxes"])
def test_sc_33_real_images_keep_every_sample(name, target):
    """SC-33."""
    content = shared_data(*name.split("/")).read_bytes()
    source = dcmread(BytesIO(content))
    if not is_decodable(source.file_meta.TransferSyntaxUID):
        with pytest.raises((NotDecodable, NotEncodable)):
            next(transcoded(content, "1", target))
        return
    try:
        expected = source.pixel_array
    except RuntimeError:
        pytest.skip("no library here decodes it")
    possible = encodable(source, "PixelData")
    if target in ENCODABLE and target not in possible:
        with pytest.raises(NotEncodable):
            next(transcoded(content, "1", target))
        return

    given = _transcoded(content, target)
    assert given.file_meta.TransferSyntaxUID == target
    assert given.SOPInstanceUID == source.SOPInstanceUID
    np.testing.assert_array_equal(given.pixel_array, expected)

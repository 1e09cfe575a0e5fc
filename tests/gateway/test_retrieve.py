"""WADO-RS over real HTTP: bytes as stored, uncompressed, frame by frame; metadata and bulk data."""

import json
import os
from collections.abc import Iterator
from email.parser import BytesParser
from io import BytesIO

import highdicom as hd
import httpx
import numpy as np
import pytest
from dicomweb_client import DICOMwebClient
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    UltrasoundMultiFrameImageStorage,
)

from gateway.keeping import Part
from gateway.retrieve.cache import PixelCache
from gateway.retrieve.decoding import _decoders
from gateway.retrieve.errors import NotDecodable, UnusablePixelData
from gateway.retrieve.pixels import StoredPixels, is_decodable
from tests.gateway.index_helper import Gateway, written
from tests.series import ct_series
from tests.shared_data import SHARED_DATA, shared_data

STUDY, SERIES = "2.25.200", "2.25.200.1"
ROWS, COLUMNS = 5, 7  # 35 pixels: frames of single bits never end with a byte
DICOM = 'multipart/related; type="application/dicom"'
OCTETS = 'multipart/related; type="application/octet-stream"'


CLIENT = httpx.Client(timeout=30)


def _image(name: str, frames: int = 1, **attributes: object) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID = CTImageStorage if frames == 1 else UltrasoundMultiFrameImageStorage
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, SERIES
    ds.SOPInstanceUID = UIDS[name]
    ds.PatientID, ds.PatientName, ds.StudyDate = "P", "Müller^Ä", "20240101"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", 1, list(UIDS).index(name) + 1
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    if frames > 1:
        ds.NumberOfFrames = frames
    item = Dataset()
    item.add_new(0x54001010, "OW", bytes(range(200)) * 20)  # WaveformData
    ds.WaveformSequence = [item]
    ds.add_new(0x00280000, "UL", 4)  # a group length, which metadata leave out
    ds.PixelData = PIXELS[:frames].tobytes()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


PIXELS = np.random.default_rng(7).integers(0, 4096, (4, ROWS, COLUMNS), np.uint16)
BITS = np.random.default_rng(8).integers(0, 2, (5, ROWS, COLUMNS), np.uint8)
COLOUR = np.random.default_rng(9).integers(0, 256, (ROWS, COLUMNS, 3), np.uint8)
UIDS = {
    name: f"{SERIES}.{number}"
    for number, name in enumerate(
        (
            "explicit",
            "implicit",
            "big_endian",
            "deflated",
            "rle",
            "jpegls",
            "multi",
            "multi_rle",
            "bits",
            "planes_rle",
            "undecodable",
            "report",
        ),
        1,
    )
}


def _compressed(name: str, transfer_syntax: str, frames: int = 1, **attributes: object) -> bytes:
    ds = _image(name, frames, **attributes)
    ds = dcmread(BytesIO(written(ds)))
    # GDCM's encoder aborts the whole process on images of these odd sizes.
    plugin = {RLELossless: "pydicom", JPEGLSLossless: "pyjpegls"}[transfer_syntax]
    ds.compress(transfer_syntax, encoding_plugin=plugin, generate_instance_uid=False)
    content = BytesIO()
    ds.save_as(content, enforce_file_format=True)
    return content.getvalue()


def _files() -> dict[str, bytes]:
    swapped = _image("big_endian", PixelData=PIXELS[0].astype(">u2").tobytes())
    swapped.WaveformSequence[0].WaveformData = b"\x01\x02" * 2000
    bits = np.packbits(BITS.ravel(), bitorder="little").tobytes()
    odd = len(bits) % 2
    single_bits = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    eight = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    planes = dcmread(
        BytesIO(
            _compressed(
                "planes_rle", RLELossless, PixelData=COLOUR.tobytes() + b"\0", **colour, **eight
            )
        )
    )
    planes.PlanarConfiguration = 1
    unknown = _image("undecodable", PixelData=encapsulate([b"\xff\x4f" * 30]))
    unknown["PixelData"].VR = "OB"
    unknown["PixelData"].is_undefined_length = True
    report = _image("report")
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"):
        delattr(report, keyword)
    return {
        "explicit": written(_image("explicit")),
        "implicit": written(_image("implicit"), ImplicitVRLittleEndian),
        "big_endian": written(swapped, ExplicitVRBigEndian),
        "deflated": written(_image("deflated"), DeflatedExplicitVRLittleEndian),
        "rle": _compressed("rle", RLELossless),
        "jpegls": _compressed("jpegls", JPEGLSLossless),
        "multi": written(_image("multi", 4)),
        "multi_rle": _compressed("multi_rle", RLELossless, 4),
        "bits": written(_image("bits", 5, PixelData=bits + b"\0" * odd, **single_bits)),
        "planes_rle": written(planes, RLELossless),
        "undecodable": written(unknown, "1.2.840.10008.1.2.4.203"),
        "report": written(report),
    }


FILES = _files()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path_factory.mktemp("retrieve"))
    gateway.store(*(FILES[name] for name in reversed(FILES)))
    yield gateway
    gateway.close()


@pytest.fixture(scope="module")
def root(gateway):
    with gateway.serving() as root:
        yield f"{root}/dicom-web"


def _get(url: str, accept: str | None = None) -> httpx.Response:
    """httpx says `*/*` where a test says nothing; an empty header is as good as none."""
    return CLIENT.get(url, headers={"Accept": accept or ""})


def _parts(response: httpx.Response) -> list[tuple[dict[str, str], bytes]]:
    """The parts of a multipart body, read by the mail parser of the standard library."""
    assert response.status_code == 200, response.text
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + response.content)
    boundary = message.get_boundary()
    assert message.get_content_type() == "multipart/related"
    assert boundary
    *pieces, end = response.content.split(f"--{boundary}".encode())[1:]
    assert end == b"--\r\n"
    found = []
    for piece in pieces:
        fields, _, body = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = (line.split(": ", 1) for line in fields.decode().split("\r\n"))
        found.append((dict(lines), body.removesuffix(b"\r\n")))
    return found


def _instance(root: str, name: str) -> str:
    return f"{root}/studies/{STUDY}/series/{SERIES}/instances/{UIDS[name]}"


@pytest.mark.parametrize("resource", [f"/studies/{STUDY}", f"/studies/{STUDY}/series/{SERIES}"])
@pytest.mark.parametrize("star", ["*", '"*"'])
def test_every_instance_comes_as_stored_bit_for_bit(root, resource, star):
    parts = _parts(_get(root + resource, f"{DICOM}; transfer-syntax={star}"))

    assert [body for _, body in parts] == list(FILES.values())
    for (fields, body), name in zip(parts, FILES, strict=True):
        syntax = dcmread(BytesIO(body), stop_before_pixels=True).file_meta.TransferSyntaxUID
        assert fields["Content-Type"] == f"application/dicom; transfer-syntax={syntax}"
        assert fields["Content-Location"] == _instance(root, name)


@pytest.mark.parametrize(
    "accept", [None, "*/*", DICOM, "multipart/related; type=application/dicom"]
)
@pytest.mark.parametrize(
    "name", ["explicit", "implicit", "deflated", "big_endian", "rle", "jpegls"]
)
def test_by_default_an_instance_is_explicit_little_endian(root, name, accept):
    ((fields, body),) = _parts(_get(_instance(root, name), accept))

    instance = dcmread(BytesIO(body))
    assert fields["Content-Type"] == f"application/dicom; transfer-syntax={ExplicitVRLittleEndian}"
    assert instance.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert instance.SOPInstanceUID == UIDS[name]
    assert instance.PatientName == "Müller^Ä"
    np.testing.assert_array_equal(instance.pixel_array, PIXELS[0])


def test_words_outside_the_pixel_data_keep_their_values_when_big_endian_is_rewritten(root):
    ((_, body),) = _parts(_get(_instance(root, "big_endian")))

    assert dcmread(BytesIO(body)).WaveformSequence[0].WaveformData == b"\x02\x01" * 2000


def test_a_series_is_uncompressed_by_default_but_for_what_nobody_here_can_decode(root):
    response = _get(f"{root}/studies/{STUDY}/series/{SERIES}", DICOM)

    assert response.status_code == 406
    assert "1.2.840.10008.1.2.4.203" in response.json()["detail"]
    assert "transfer-syntax=*" in response.json()["detail"]


def test_one_instance_can_come_alone_without_multipart(root):
    response = _get(_instance(root, "rle"), "application/dicom; transfer-syntax=*")

    assert response.headers["content-type"] == f"application/dicom; transfer-syntax={RLELossless}"
    assert response.content == FILES["rle"]


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("", "application/dicom"),
        ("", "image/png"),
        ("", f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.90"),
        (f"/instances/{SERIES}.2", f"{DICOM}; transfer-syntax={ImplicitVRLittleEndian}"),
        (f"/instances/{SERIES}.2", f"{DICOM};q=0"),
        (f"/instances/{SERIES}.2/frames/1", "image/png"),
        (f"/instances/{SERIES}.2/frames/1,1", "application/octet-stream"),
        (f"/instances/{SERIES}.5/frames/1", 'multipart/related; type="image/jls"'),
        (f"/instances/{SERIES}.11/frames/1", OCTETS),
        (f"/instances/{SERIES}.2/bulkdata/7FE00010", "image/png"),
        ("/metadata", "application/dicom+xml"),
    ],
)
def test_a_form_that_cannot_be_given_is_refused_with_what_can(root, path, accept):
    response = _get(f"{root}/studies/{STUDY}/series/{SERIES}{path}", accept)

    assert response.status_code == 406
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


def test_the_most_wanted_form_that_is_possible_is_given(root):
    accept = (
        f"image/png, {DICOM}; transfer-syntax=1.2.3; q=0.9, application/dicom; q=0.8, */*; q=0.1"
    )
    response = _get(_instance(root, "rle"), accept)

    assert response.headers["content-type"].startswith("application/dicom; ")
    assert dcmread(BytesIO(response.content)).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


@pytest.mark.parametrize(
    "path",
    [
        "/studies/1.2.3",
        "/studies/1.2.3/metadata",
        f"/studies/{STUDY}/series/1.2.3",
        f"/studies/{STUDY}/series/1.2.3/metadata",
        f"/studies/1.2.3/series/{SERIES}",
        f"/studies/{STUDY}/series/{SERIES}/instances/1.2.3",
        f"/studies/{STUDY}/series/{SERIES}/instances/1.2.3/frames/1",
        f"/studies/{STUDY}/series/{SERIES}/instances/1.2.3/bulkdata/7FE00010",
        "/studies/1.2.3/thumbnail",
        f"/studies/{STUDY}/series/1.2.3/rendered",
    ],
)
def test_what_is_not_stored_is_not_found(root, path):
    response = _get(root + path)

    assert response.status_code == 404
    assert "is stored here" in response.json()["detail"]


# --- frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["explicit", "implicit", "big_endian", "deflated"])
@pytest.mark.parametrize("accept", [None, OCTETS, f"{OCTETS}; transfer-syntax=*"])
def test_a_native_frame_comes_as_little_endian_samples(root, name, accept):
    ((fields, body),) = _parts(_get(f"{_instance(root, name)}/frames/1", accept))

    assert body == PIXELS[0].tobytes()
    assert fields["Content-Type"] == (
        f"application/octet-stream; transfer-syntax={ExplicitVRLittleEndian}"
    )


@pytest.mark.parametrize("name", ["rle", "jpegls"])
@pytest.mark.parametrize("accept", [None, "*/*", OCTETS])
def test_a_compressed_frame_is_decoded_by_default(root, name, accept):
    ((fields, body),) = _parts(_get(f"{_instance(root, name)}/frames/1", accept))

    assert body == PIXELS[0].tobytes()
    assert fields["Content-Type"].endswith(f"transfer-syntax={ExplicitVRLittleEndian}")


@pytest.mark.parametrize(
    ("accept", "part"),
    [
        (f"{OCTETS}; transfer-syntax=*", "application/octet-stream"),
        (f'{OCTETS}; transfer-syntax="*"', "application/octet-stream"),
        (f"{OCTETS}; transfer-syntax={RLELossless}", "application/octet-stream"),
        ('multipart/related; type="image/dicom-rle"', "image/dicom-rle"),
        ("multipart/related; type=image/x-dicom-rle; transfer-syntax=*", "image/dicom-rle"),
        ('multipart/related; type="image/*"', "image/dicom-rle"),
        ('multipart/related; type="*/*"; transfer-syntax=*', "image/dicom-rle"),
        ("image/jls, image/dicom-rle;q=0.5", "image/dicom-rle"),
    ],
)
def test_a_compressed_frame_comes_as_stored_when_asked_for(root, accept, part):
    response = _get(f"{_instance(root, 'multi_rle')}/frames/3", accept)
    content_type = f"{part}; transfer-syntax={RLELossless}"
    if not response.headers["content-type"].startswith("multipart"):
        found = (response.headers["content-type"], response.content)
    else:
        ((fields, body),) = _parts(response)
        found = (fields["Content-Type"], body)

    stored = StoredPixels(FILES["multi_rle"], UIDS["multi_rle"]).stored(3)
    assert found == (content_type, stored)


def test_frames_come_in_the_order_asked_for(root):
    parts = _parts(_get(f"{_instance(root, 'multi')}/frames/3,1,3", OCTETS))

    assert [body for _, body in parts] == [PIXELS[number - 1].tobytes() for number in (3, 1, 3)]


def test_one_frame_can_come_alone_without_multipart(root):
    response = _get(f"{_instance(root, 'multi_rle')}/frames/2", "application/octet-stream")

    assert response.content == PIXELS[1].tobytes()
    assert response.headers["content-type"].startswith("application/octet-stream;")


def test_frames_of_single_bits_each_start_with_a_byte(root):
    parts = _parts(_get(f"{_instance(root, 'bits')}/frames/1,2,3,4,5", OCTETS))

    for (_, body), expected in zip(parts, BITS, strict=True):
        assert len(body) == 5
        unpacked = np.unpackbits(np.frombuffer(body, np.uint8), bitorder="little")
        np.testing.assert_array_equal(unpacked[:35].reshape(ROWS, COLUMNS), expected)


def test_a_binary_segmentation_of_highdicom_comes_back_frame_by_frame(tmp_path):
    source = ct_series(4, 10, 15)
    mask = np.zeros((4, 10, 15), np.uint8)
    mask[:, 2:7, 3:11] = np.random.default_rng(3).integers(0, 2, (4, 5, 8))
    seg = hd.seg.Segmentation(
        source,
        mask,
        hd.seg.SegmentationTypeValues.BINARY,
        [
            hd.seg.SegmentDescription(
                1,
                "Lung",
                hd.sr.CodedConcept("91723000", "SCT", "Anatomical structure"),
                hd.sr.CodedConcept("39607008", "SCT", "Lung"),
                hd.seg.SegmentAlgorithmTypeValues.MANUAL,
            )
        ],
        hd.UID(), 9, hd.UID(), 1, "Maker", "Model", "1", "2",
    )  # fmt: skip
    content = BytesIO()
    seg.save_as(content)
    gateway = Gateway(tmp_path)
    gateway.store(content.getvalue())
    path = f"/studies/{seg.StudyInstanceUID}/series/{seg.SeriesInstanceUID}"
    with gateway.serving() as root:
        url = f"{root}/dicom-web{path}/instances/{seg.SOPInstanceUID}/frames/1,2,3,4"
        parts = _parts(_get(url, f"{OCTETS}; transfer-syntax=*"))
    gateway.close()

    for (_, body), expected in zip(parts, seg.pixel_array, strict=True):
        bits = np.unpackbits(np.frombuffer(body, np.uint8), bitorder="little")[:150]
        np.testing.assert_array_equal(bits.reshape(10, 15), expected)


def test_colour_planes_stay_apart_where_the_header_says_so(root):
    ((_, body),) = _parts(_get(f"{_instance(root, 'planes_rle')}/frames/1", OCTETS))

    assert body == COLOUR.transpose(2, 0, 1).tobytes()


@pytest.mark.parametrize("accept", ["*/*", f"{OCTETS}; transfer-syntax=*"])
def test_a_frame_that_cannot_be_decoded_can_be_had_as_stored(root, accept):
    ((fields, body),) = _parts(_get(f"{_instance(root, 'undecodable')}/frames/1", accept))

    assert body == b"\xff\x4f" * 30
    assert fields["Content-Type"].endswith("transfer-syntax=1.2.840.10008.1.2.4.203")


@pytest.mark.parametrize(
    ("name", "frames", "status"),
    [
        ("explicit", "2", 404),
        ("explicit", "0", 404),
        ("explicit", "9999", 404),
        ("multi", "1,5", 404),
        ("multi_rle", "5", 404),
        ("bits", "6", 404),
        ("report", "1", 404),
        ("explicit", "x", 400),
        ("explicit", "-1", 400),
        ("explicit", "1,,2", 400),
        ("explicit", "1;2", 400),
        ("explicit", "1" * 40, 400),
        ("explicit", "١", 400),
    ],
)
def test_frames_that_are_not_there_are_said_to_be_missing(root, name, frames, status):
    response = _get(f"{_instance(root, name)}/frames/{frames}", OCTETS)

    assert response.status_code == status
    assert response.json()["detail"]


def test_frames_beyond_the_end_of_the_pixel_data_are_said_to_be_missing():
    """Ingest refuses such a file; one that came into the archive another way must not crash."""
    content = written(_image("multi", 4, PixelData=PIXELS[:2].tobytes()))
    pixels = StoredPixels(content, UIDS["multi"])

    assert pixels.stored(2) == PIXELS[1].tobytes()
    with pytest.raises(UnusablePixelData, match="140 bytes, before the end of frame 3"):
        pixels.stored(3)


def test_frames_of_one_instance_are_read_from_the_archive_once(gateway, root, monkeypatch):
    reads: list[str] = []
    read = gateway.archive.read
    monkeypatch.setattr(gateway.archive, "read", lambda key: reads.append(key) or read(key))
    gateway.app.state.retrieval.cache.__init__()  # nothing is held yet

    for number in (1, 2, 3, 4):
        _get(f"{_instance(root, 'multi')}/frames/{number}", OCTETS)

    assert len(reads) == 1


def test_the_cache_holds_no_more_bytes_than_it_may():
    pixels = StoredPixels(FILES["multi"], UIDS["multi"])
    cache = PixelCache(capacity=pixels.size * 2)
    for key in ("a", "b"):
        cache.put(key, pixels)
    cache.get("a")
    cache.put("c", pixels)

    assert cache.held == pixels.size * 2
    assert cache.get("a") is not None
    assert cache.get("b") is None
    tiny = PixelCache(capacity=10)
    tiny.put("a", pixels)
    assert tiny.get("a") is None


def test_a_decoder_that_crashes_costs_one_answer_and_not_the_server():
    with pytest.raises(NotDecodable, match="crashed"):
        _decoders.run(os.abort, RLELossless)

    pixels = StoredPixels(FILES["rle"], UIDS["rle"])
    np.testing.assert_array_equal(pixels.array(1), PIXELS[0])


def test_pixel_data_that_contradict_their_transfer_syntax_are_not_given_a_wrong_name():
    raw = FILES["explicit"].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    assert StoredPixels(raw, "1").frame_syntax == ExplicitVRLittleEndian

    compressed = FILES["rle"].replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.1\0")
    with pytest.raises(UnusablePixelData, match="compressed in a file"):
        StoredPixels(compressed, "1")


# --- metadata and bulk data -----------------------------------------------------------------------


@pytest.mark.parametrize("level", ["study", "series", "instance"])
def test_metadata_tell_every_attribute_at_every_level(root, level):
    path = {"study": "", "series": f"/series/{SERIES}"}.get(level)
    path = path if path is not None else f"/series/{SERIES}/instances/{UIDS['explicit']}"
    response = _get(f"{root}/studies/{STUDY}{path}/metadata", "application/dicom+json")
    found = response.json()

    assert response.headers["content-type"] == "application/dicom+json"
    assert len(found) == (1 if level == "instance" else len(FILES))
    assert found[0]["00100010"]["Value"] == [{"Alphabetic": "Müller^Ä"}]
    stored = dcmread(BytesIO(FILES["explicit"]))
    expected = {f"{element.tag:08X}" for element in stored if element.tag.element}
    assert set(found[0]) == expected | {"00083002"}
    for header in found:
        assert list(header) == sorted(header)
        assert not any(tag.startswith("0002") for tag in header)


def test_every_link_to_bulk_data_leads_to_the_value(root):
    for header in _get(f"{root}/studies/{STUDY}/metadata").json():
        nested = header["00540100" if "00540100" in header else "54000100"]["Value"][0]["54001010"]
        ((fields, body),) = _parts(_get(nested["BulkDataURI"], OCTETS))
        uid = header["00080018"]["Value"][0]
        assert fields["Content-Location"] == nested["BulkDataURI"]
        assert len(body) == 4000
        if "7FE00010" in header and uid != UIDS["undecodable"]:
            assert _parts(_get(header["7FE00010"]["BulkDataURI"], OCTETS))
    ((_, body),) = _parts(_get(f"{_instance(root, 'big_endian')}/bulkdata/54000100/0/54001010"))
    assert body == b"\x02\x01" * 2000


def test_pixel_data_by_link_are_one_value_or_a_part_for_each_compressed_frame(root):
    ((_, native),) = _parts(_get(f"{_instance(root, 'multi')}/bulkdata/7FE00010", OCTETS))
    decoded = _parts(_get(f"{_instance(root, 'multi_rle')}/bulkdata/7FE00010", OCTETS))
    single = _get(f"{_instance(root, 'explicit')}/bulkdata/7FE00010", "application/octet-stream")

    assert native == PIXELS.tobytes()
    assert [body for _, body in decoded] == [frame.tobytes() for frame in PIXELS]
    assert single.content.rstrip(b"\0") == PIXELS[0].tobytes().rstrip(b"\0")


@pytest.mark.parametrize(
    "path",
    [
        "00100010/0/00100020",
        "99999999",
        "54000100",
        "54000100/1/54001010",
        "54000100/0",
        "x",
        "7FE",
    ],
)
def test_a_path_to_nothing_is_not_found(root, path):
    assert _get(f"{_instance(root, 'explicit')}/bulkdata/{path}").status_code == 404


def test_links_follow_the_proxy(root):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "h", "X-Forwarded-Prefix": "/p"}
    found = CLIENT.get(f"{_instance(root, 'explicit')}/metadata", headers=headers).json()

    assert found[0]["7FE00010"]["BulkDataURI"] == (
        f"https://h/p/dicom-web/studies/{STUDY}/series/{SERIES}"
        f"/instances/{UIDS['explicit']}/bulkdata/7FE00010"
    )


def test_bytes_that_the_archive_lost_are_a_clear_error(tmp_path):
    gateway = Gateway(tmp_path)
    gateway.store(FILES["explicit"])
    gateway.archive._contents.clear()
    with gateway.serving() as root:
        response = _get(f"{_instance(root + '/dicom-web', 'explicit')}", DICOM)
    gateway.close()

    assert response.status_code == 404
    assert "archive" in response.json()["detail"]


# --- dicomweb-client ------------------------------------------------------------------------------


def test_dicomweb_client_retrieves_everything(root):
    client = DICOMwebClient(root)
    names = ("explicit", "implicit", "rle", "multi_rle")

    assert len(client.retrieve_study_metadata(STUDY)) == len(FILES)
    stored = client.retrieve_series(STUDY, SERIES, media_types=(("application/dicom", "*"),))
    assert [instance.SOPInstanceUID for instance in stored] == list(UIDS.values())
    for name in names:
        wanted = (("application/dicom", ExplicitVRLittleEndian),)
        instance = client.retrieve_instance(STUDY, SERIES, UIDS[name], media_types=wanted)
        assert instance.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        frames = client.retrieve_instance_frames(STUDY, SERIES, UIDS[name], [1])
        assert frames == [PIXELS[0].tobytes()]
        header = client.retrieve_instance_metadata(STUDY, SERIES, UIDS[name])
        assert Dataset.from_json(json.dumps(header), lambda *_: b"").SOPInstanceUID == UIDS[name]
        assert client.retrieve_bulkdata(header["7FE00010"]["BulkDataURI"])
    jpeg_ls = client.retrieve_instance_frames(
        STUDY, SERIES, UIDS["jpegls"], [1], media_types=(("image/jls", JPEGLSLossless),)
    )
    assert jpeg_ls[0][:2] == b"\xff\xd8"


# --- every readable file of the shared data -------------------------------------------------------

FOLDERS = (
    "transfer_syntaxes",
    "objects",
    "us",
    "xray",
    "enhanced",
    "other",
    "charsets",
    "rt",
    "seg_ct_liver",
    "mr_mosaic",
)


def _shared_files() -> list[str]:
    found = (path for folder in FOLDERS for path in (SHARED_DATA / folder).rglob("*.dcm"))
    return sorted(str(path.relative_to(SHARED_DATA)) for path in found)


@pytest.mark.parametrize("name", _shared_files() or ["transfer_syntaxes"])
def test_every_kind_of_file_is_given_back_and_its_frames_equal_those_of_pydicom(tmp_path, name):
    content = shared_data(name).read_bytes()
    gateway = Gateway(tmp_path)
    refused = gateway.ingest.receive([Part(content)]).result.failed
    if refused:
        pytest.skip(f"refused at the door: {refused[0].reason}")
    ds = dcmread(BytesIO(content))
    path = f"/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}"
    with gateway.serving() as root:
        url = f"{root}/dicom-web{path}/instances/{ds.SOPInstanceUID}"
        ((_, stored),) = _parts(_get(url, f"{DICOM}; transfer-syntax=*"))
        header = _get(f"{url}/metadata").json()[0]
        default = _get(url, "application/dicom")
        frame = _get(f"{url}/frames/1", "application/octet-stream")
        picture = _get(f"{url}/rendered")
        as_stored = _get(f"{url}/frames/1", f"{OCTETS}; transfer-syntax=*")
    gateway.close()

    assert stored == content
    syntax = ds.file_meta.TransferSyntaxUID
    assert header["00080018"]["Value"] == [ds.SOPInstanceUID]
    if not is_decodable(syntax):
        assert (default.status_code, frame.status_code) == (406, 406)
        assert as_stored.status_code == 200
        assert picture.status_code == 406
    elif "Rows" not in ds or not {"PixelData", "FloatPixelData"} & {e.keyword for e in ds}:
        assert frame.status_code == picture.status_code == 404
        assert default.status_code == 200
    else:
        _compare(ds, default, frame, picture)


def _compare(
    ds: Dataset, default: httpx.Response, frame: httpx.Response, picture: httpx.Response
) -> None:
    try:
        expected = ds.pixel_array
    except Exception:  # pydicom does not read it either: a clear refusal is all there can be
        assert frame.status_code in (404, 406)
        return
    given = dcmread(BytesIO(default.content))
    assert given.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert frame.status_code == 200, frame.text
    assert picture.status_code == 200, picture.text
    assert picture.content[:3] == b"\xff\xd8\xff"
    first = expected[0] if int(ds.get("NumberOfFrames") or 1) > 1 else expected
    np.testing.assert_array_equal(given.pixel_array, expected)
    if ds.get("BitsAllocated") == 1:
        bits = np.unpackbits(np.frombuffer(frame.content, np.uint8), bitorder="little")
        np.testing.assert_array_equal(bits[: first.size].reshape(first.shape), first)
    elif ds.get("SamplesPerPixel", 1) == 1:
        samples = np.frombuffer(frame.content, first.dtype.newbyteorder("<"))
        np.testing.assert_array_equal(samples[: first.size].reshape(first.shape), first)
    else:
        assert len(frame.content) == first.nbytes

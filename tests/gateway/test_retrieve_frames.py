"""WADO-RS frames over real HTTP: one by one, several, of single bits, as stored or decoded."""

from io import BytesIO

import highdicom as hd
import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from gateway.retrieve.pixels import StoredPixels
from tests.gateway.index_helper import Gateway
from tests.gateway.retrieve_example import (
    BITS,
    COLOUR,
    COLUMNS,
    FILES,
    OCTETS,
    PIXELS,
    ROWS,
    UIDS,
    get,
    instance_url,
    parts_of,
)
from tests.series import ct_series


@pytest.mark.parametrize("name", ["explicit", "implicit", "big_endian", "deflated"])
@pytest.mark.parametrize("accept", [None, OCTETS, f"{OCTETS}; transfer-syntax=*"])
def test_a_native_frame_comes_as_little_endian_samples(root, name, accept):
    ((fields, body),) = parts_of(get(f"{instance_url(root, name)}/frames/1", accept))

    assert body == PIXELS[0].tobytes()
    assert fields["Content-Type"] == (
        f"application/octet-stream; transfer-syntax={ExplicitVRLittleEndian}"
    )


@pytest.mark.parametrize("name", ["rle", "jpegls"])
@pytest.mark.parametrize("accept", [None, "*/*", OCTETS])
def test_a_compressed_frame_is_decoded_by_default(root, name, accept):
    ((fields, body),) = parts_of(get(f"{instance_url(root, name)}/frames/1", accept))

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
        ("image/jpeg, image/dicom-rle;q=0.5", "image/dicom-rle"),
    ],
)
def test_a_compressed_frame_comes_as_stored_when_asked_for(root, accept, part):
    response = get(f"{instance_url(root, 'multi_rle')}/frames/3", accept)
    content_type = f"{part}; transfer-syntax={RLELossless}"
    if not response.headers["content-type"].startswith("multipart"):
        found = (response.headers["content-type"], response.content)
    else:
        ((fields, body),) = parts_of(response)
        found = (fields["Content-Type"], body)

    stored = StoredPixels(FILES["multi_rle"], UIDS["multi_rle"]).stored(3)
    assert found == (content_type, stored)


def test_sc_36_frames_come_in_the_order_asked_for(root):
    """SC-36."""
    pair = parts_of(get(f"{instance_url(root, 'multi')}/frames/1,3", OCTETS))
    assert [body for _, body in pair] == [PIXELS[0].tobytes(), PIXELS[2].tobytes()]
    found = parts_of(get(f"{instance_url(root, 'multi')}/frames/3,1,3", OCTETS))

    assert [body for _, body in found] == [PIXELS[number - 1].tobytes() for number in (3, 1, 3)]


def test_one_frame_can_come_alone_without_multipart(root):
    response = get(f"{instance_url(root, 'multi_rle')}/frames/2", "application/octet-stream")

    assert response.content == PIXELS[1].tobytes()
    assert response.headers["content-type"].startswith("application/octet-stream;")


def test_sc_37_frames_of_single_bits_each_start_with_a_byte(root):
    """SC-37."""
    found = parts_of(get(f"{instance_url(root, 'bits')}/frames/1,2,3,4,5", OCTETS))

    for (_, body), expected in zip(found, BITS, strict=True):
        assert len(body) == 5
        unpacked = np.unpackbits(np.frombuffer(body, np.uint8), bitorder="little")
        np.testing.assert_array_equal(unpacked[:35].reshape(ROWS, COLUMNS), expected)


def test_sc_37_a_binary_segmentation_of_highdicom_comes_back_frame_by_frame(tmp_path):
    """SC-37."""
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
        found = parts_of(get(url, f"{OCTETS}; transfer-syntax=*"))
    gateway.close()

    for (_, body), expected in zip(found, seg.pixel_array, strict=True):
        bits = np.unpackbits(np.frombuffer(body, np.uint8), bitorder="little")[:150]
        np.testing.assert_array_equal(bits.reshape(10, 15), expected)


def test_colour_planes_stay_apart_where_the_header_says_so(root):
    ((_, body),) = parts_of(get(f"{instance_url(root, 'planes_rle')}/frames/1", OCTETS))

    assert body == COLOUR.transpose(2, 0, 1).tobytes()


@pytest.mark.parametrize("accept", ["*/*", f"{OCTETS}; transfer-syntax=*"])
def test_a_frame_that_cannot_be_decoded_can_be_had_as_stored(root, accept):
    ((fields, body),) = parts_of(get(f"{instance_url(root, 'undecodable')}/frames/1", accept))

    assert body == b"\xff\x4f" * 30
    assert fields["Content-Type"].endswith("transfer-syntax=1.2.840.10008.1.2.4.92")


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
def test_sc_36_frames_that_are_not_there_are_said_to_be_missing(root, name, frames, status):
    """SC-36: 404 for a number out of range, 400 for a list that is none, never 5xx."""
    response = get(f"{instance_url(root, name)}/frames/{frames}", OCTETS)

    assert response.status_code == status
    assert response.json()["detail"]


def test_frames_of_one_instance_are_read_from_the_archive_once(gateway, root, monkeypatch):
    reads: list[str] = []
    read = gateway.archive.read
    monkeypatch.setattr(gateway.archive, "read", lambda key: reads.append(key) or read(key))
    gateway.app.state.retrieval.hold.sweep(lambda keys: set())  # nothing is held yet

    for number in (1, 2, 3, 4):
        get(f"{instance_url(root, 'multi')}/frames/{number}", OCTETS)

    assert len(reads) == len(set(reads)) >= 1  # neighbours may be read ahead, also once

"""WADO-RS instances over real HTTP: bytes as stored, uncompressed, or a clear refusal."""

from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from tests.gateway.index_helper import Gateway
from tests.gateway.retrieve_example import (
    DICOM,
    FILES,
    OCTETS,
    PIXELS,
    SERIES,
    STUDY,
    UIDS,
    get,
    instance_url,
    parts_of,
)


@pytest.mark.parametrize("resource", [f"/studies/{STUDY}", f"/studies/{STUDY}/series/{SERIES}"])
@pytest.mark.parametrize("star", ["*", '"*"'])
def test_sc_29_every_instance_comes_as_stored_and_says_how_that_is(root, resource, star):
    """SC-29, SC-34."""
    found = parts_of(get(root + resource, f"{DICOM}; transfer-syntax={star}"))

    assert [body for _, body in found] == list(FILES.values())
    for (fields, body), name in zip(found, FILES, strict=True):
        syntax = dcmread(BytesIO(body), stop_before_pixels=True).file_meta.TransferSyntaxUID
        assert fields["Content-Type"] == f"application/dicom; transfer-syntax={syntax}"
        assert fields["Content-Location"] == instance_url(root, name)


@pytest.mark.parametrize("star", ["*", '"*"'])
@pytest.mark.parametrize("name", FILES)
def test_sc_34_an_instance_comes_as_stored_bit_for_bit(root, name, star):
    """SC-29, SC-34."""
    ((fields, body),) = parts_of(get(instance_url(root, name), f"{DICOM}; transfer-syntax={star}"))
    alone = get(instance_url(root, name), f"application/dicom; transfer-syntax={star}")

    assert body == alone.content == FILES[name]
    syntax = dcmread(BytesIO(body), stop_before_pixels=True).file_meta.TransferSyntaxUID
    told = f"application/dicom; transfer-syntax={syntax}"
    assert fields["Content-Type"] == alone.headers["content-type"] == told
    assert alone.headers["content-length"] == str(len(body))


@pytest.mark.parametrize(
    "accept", [None, "*/*", DICOM, "multipart/related; type=application/dicom"]
)
@pytest.mark.parametrize(
    "name", ["explicit", "implicit", "deflated", "big_endian", "rle", "jpegls"]
)
def test_sc_31_by_default_an_instance_is_explicit_little_endian(root, name, accept):
    """SC-31."""
    ((fields, body),) = parts_of(get(instance_url(root, name), accept))

    instance = dcmread(BytesIO(body))
    assert fields["Content-Type"] == f"application/dicom; transfer-syntax={ExplicitVRLittleEndian}"
    assert instance.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert instance.SOPInstanceUID == UIDS[name]
    assert instance.PatientName == "Müller^Ä"
    np.testing.assert_array_equal(instance.pixel_array, PIXELS[0])


def test_words_outside_the_pixel_data_keep_their_values_when_big_endian_is_rewritten(root):
    ((_, body),) = parts_of(get(instance_url(root, "big_endian")))

    assert dcmread(BytesIO(body)).WaveformSequence[0].WaveformData == b"\x02\x01" * 2000


@pytest.mark.parametrize("resource", [f"/studies/{STUDY}", f"/studies/{STUDY}/series/{SERIES}"])
@pytest.mark.parametrize("accept", [None, DICOM])
def test_sc_31_a_series_is_uncompressed_but_for_what_nobody_here_can_decode(root, resource, accept):
    """SC-29, SC-31."""
    found = parts_of(get(root + resource, accept))

    syntaxes = [fields["Content-Type"].partition("transfer-syntax=")[2] for fields, _ in found]
    assert syntaxes == [
        "1.2.840.10008.1.2.4.92" if name == "undecodable" else ExplicitVRLittleEndian
        for name in FILES
    ]
    for (_, body), syntax, uid in zip(found, syntaxes, UIDS.values(), strict=True):
        header = dcmread(BytesIO(body), stop_before_pixels=True)
        assert (header.file_meta.TransferSyntaxUID, header.SOPInstanceUID) == (syntax, uid)


def test_what_nobody_here_can_decode_is_refused_to_who_insists(root):
    accept = f"{DICOM}; transfer-syntax={ExplicitVRLittleEndian}"
    response = get(f"{root}/studies/{STUDY}/series/{SERIES}", accept)

    assert response.status_code == 406
    assert "1.2.840.10008.1.2.4.92" in response.json()["detail"]
    assert "transfer-syntax=*" in response.json()["detail"]


def test_sc_30_one_instance_can_come_alone_without_multipart_and_a_series_cannot(root):
    """SC-30."""
    response = get(instance_url(root, "rle"), "application/dicom; transfer-syntax=*")

    assert response.headers["content-type"] == f"application/dicom; transfer-syntax={RLELossless}"
    assert response.content == FILES["rle"]
    for path in (f"/studies/{STUDY}", f"/studies/{STUDY}/series/{SERIES}"):
        assert get(root + path, "application/dicom").status_code == 406
        either = get(root + path, f"application/dicom, {DICOM}; transfer-syntax=*; q=0.1")
        assert len(parts_of(either)) == len(FILES)


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("", "application/dicom"),
        ("", "image/png"),
        ("", f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.91"),
        (f"/instances/{SERIES}.2", f"{DICOM}; transfer-syntax={ImplicitVRLittleEndian}"),
        (f"/instances/{SERIES}.2", f"{DICOM};q=0"),
        (f"/instances/{SERIES}.2/frames/1", "image/png"),
        (f"/instances/{SERIES}.2/frames/1,1", "application/octet-stream"),
        (f"/instances/{SERIES}.5/frames/1", 'multipart/related; type="image/jpeg"'),
        (f"/instances/{SERIES}.11/frames/1", OCTETS),
        (f"/instances/{SERIES}.2/bulkdata/7FE00010", "image/png"),
        ("/metadata", "application/dicom+xml"),
    ],
)
def test_a_form_that_cannot_be_given_is_refused_with_what_can(root, path, accept):
    response = get(f"{root}/studies/{STUDY}/series/{SERIES}{path}", accept)

    assert response.status_code == 406
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


def test_sc_32_the_most_wanted_form_that_is_possible_is_given(root):
    """SC-32."""
    accept = (
        f"image/png, {DICOM}; transfer-syntax=1.2.3; q=0.9, application/dicom; q=0.8, */*; q=0.1"
    )
    response = get(instance_url(root, "rle"), accept)

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
    response = get(root + path)

    assert response.status_code == 404
    assert "is stored here" in response.json()["detail"]


def test_bytes_that_the_archive_lost_are_a_clear_error(tmp_path):
    gateway = Gateway(tmp_path)
    gateway.store(FILES["explicit"])
    gateway.archive._contents.clear()
    with gateway.serving() as root:
        response = get(f"{instance_url(root + '/dicom-web', 'explicit')}", DICOM)
    gateway.close()

    assert response.status_code == 404
    assert "archive" in response.json()["detail"]

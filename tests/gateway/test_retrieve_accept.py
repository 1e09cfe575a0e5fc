"""Accept negotiation of WADO-RS over real HTTP, as real clients write it (PS3.18 8.7)."""

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from tests.gateway.retrieve_example import (
    DICOM,
    FILES,
    OCTETS,
    SERIES,
    STUDY,
    compressed,
    get,
    instance_url,
    parts_of,
)

LARGER = "2.25.201"  # a study of one image of 40 x 40; JPEG 2000 is not for smaller than 32
RELATED = "multipart/related; type="
DEFAULTS = [  # path below the series, the type of what comes by default
    ("/studies/{study}", DICOM),
    ("/studies/{study}/series/{series}", DICOM),
    ("/studies/{study}/series/{series}/instances/{instance}", DICOM),
    ("/studies/{study}/metadata", "application/dicom+json"),
    ("/studies/{study}/series/{series}/metadata", "application/dicom+json"),
    ("/studies/{study}/series/{series}/instances/{instance}/metadata", "application/dicom+json"),
    ("/studies/{study}/series/{series}/instances/{instance}/frames/1", OCTETS),
    ("/studies/{study}/series/{series}/instances/{instance}/frames/1,1", OCTETS),
    ("/studies/{study}/bulkdata", OCTETS),
    ("/studies/{study}/series/{series}/bulkdata", OCTETS),
    ("/studies/{study}/series/{series}/instances/{instance}/bulkdata", OCTETS),
    ("/studies/{study}/series/{series}/instances/{instance}/bulkdata/7FE00010", OCTETS),
    ("/studies/{study}/pixeldata", OCTETS),
    ("/studies/{study}/series/{series}/pixeldata", OCTETS),
    ("/studies/{study}/series/{series}/instances/{instance}/pixeldata", OCTETS),
    ("/studies/{study}/series/{series}/instances/{instance}/rendered", "image/jpeg"),
    ("/studies/{study}/series/{series}/instances/{instance}/frames/1/rendered", "image/jpeg"),
    ("/studies/{study}/thumbnail", "image/jpeg"),
    ("/studies/{study}/series/{series}/thumbnail", "image/jpeg"),
    ("/studies", "application/dicom+json"),
    ("/series", "application/dicom+json"),
    ("/instances", "application/dicom+json"),
]


@pytest.fixture(scope="module")
def larger(gateway, root):
    """The URL of a JPEG-LS image."""
    uids = {"StudyInstanceUID": LARGER, "SeriesInstanceUID": f"{LARGER}.1"}
    samples = np.random.default_rng(5).integers(0, 4096, (40, 40), np.uint16).tobytes()
    size = {"Rows": 40, "Columns": 40, "PixelData": samples, "SOPInstanceUID": f"{LARGER}.1.1"}
    gateway.store(compressed("jpegls", JPEGLSLossless, **uids, **size))
    return f"{root}/studies/{LARGER}/series/{LARGER}.1/instances/{LARGER}.1.1"


@pytest.mark.parametrize("accept", [None, "*/*", "*/*;q=0.1", "image/unheard-of, */*"])
@pytest.mark.parametrize(("path", "expected"), DEFAULTS)
def test_sc_31_whoever_takes_anything_gets_the_default(root, path, expected, accept):
    """SC-31."""
    uids = {"study": STUDY, "series": SERIES, "instance": f"{SERIES}.1"}
    response = get(root + path.format(**uids), accept)

    assert response.status_code == 200
    assert response.headers["content-type"].startswith(expected)


# Accept header, media type and transfer syntax of the part that comes of a JPEG-LS frame.
JLS = ("image/jls", JPEGLSLossless)
STORED_OCTETS = ("application/octet-stream", JPEGLSLossless)
NATIVE = ("application/octet-stream", ExplicitVRLittleEndian)
FRAME_REQUESTS = [
    # OHIF, with and without omitQuotationForMultipartRequest
    (f"{RELATED}application/octet-stream; transfer-syntax=*", *STORED_OCTETS),
    (f'{RELATED}"application/octet-stream"; transfer-syntax="*"', *STORED_OCTETS),
    (f"{RELATED}image/jls; transfer-syntax=1.2.840.10008.1.2.4.80", *JLS),
    # dicomweb-client
    (f'{RELATED}"image/jls"; transfer-syntax="1.2.840.10008.1.2.4.80"', *JLS),
    (f'{RELATED}"image/jls"; transfer-syntax="*", {OCTETS}', *JLS),
    (f'{RELATED}"application/octet-stream"; transfer-syntax="1.2.840.10008.1.2.1"', *NATIVE),
    # what Orthanc's plug-in wants
    (f'{RELATED}"image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"', *JLS),
    # any case, blanks, parameters in any order
    ('Multipart/Related;TRANSFER-SYNTAX=*; Type="IMAGE/JLS"', *JLS),
    ("image/jls", *JLS),
    ("image/x-jls;q=0.5, image/jpeg", *JLS),
    (f"{RELATED}image/*", *JLS),
    # the most wanted of those that are possible
    (f'{OCTETS};q=0.5, {RELATED}"image/jls";q=0.9', *JLS),
    (f'{OCTETS};q=0.9, {RELATED}"image/jls";q=0.5', *NATIVE),
    (f'{RELATED}"video/mp4", {RELATED}"image/jpeg", {OCTETS};q=0.2', *NATIVE),
    (f"{OCTETS};q=0, image/jls;q=0.001", *JLS),
    (f"{OCTETS}; transfer-syntax=1.2.840.10008.1.2.4.50, {OCTETS}", *NATIVE),
    # made for who asks
    (f'{RELATED}"image/jp2"', "image/jp2", JPEG2000Lossless),
    ("image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90", "image/jp2", JPEG2000Lossless),
    (f'{RELATED}"image/dicom-rle"', "image/dicom-rle", RLELossless),
    (f"{OCTETS}; transfer-syntax={RLELossless}", "application/octet-stream", RLELossless),
]


@pytest.mark.parametrize(("accept", "media_type", "syntax"), FRAME_REQUESTS)
def test_sc_32_frames_come_as_real_clients_ask_for_them(larger, accept, media_type, syntax):
    """SC-32."""
    response = get(f"{larger}/frames/1", accept)
    told = response.headers["content-type"]
    if told.startswith("multipart/"):
        ((fields, _),) = parts_of(response)
        assert f"transfer-syntax={syntax}" in told  # of all its parts
        told = fields["Content-Type"]

    assert told == f"{media_type}; transfer-syntax={syntax}"


@pytest.mark.parametrize(
    ("accept", "syntax"),
    [
        ("application/dicom", ExplicitVRLittleEndian),
        ("application/dicom; transfer-syntax=*", JPEGLSLossless),
        ('Application/DICOM; Transfer-Syntax="*"', JPEGLSLossless),
        (f"{DICOM};transfer-syntax=1.2.840.10008.1.2.4.80", JPEGLSLossless),
        (f'{RELATED}"application/dicom; transfer-syntax=*"', JPEGLSLossless),
        (f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.90;q=0.9, {DICOM};q=0.3", JPEG2000Lossless),
        (f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.91, {DICOM};q=0.3", ExplicitVRLittleEndian),
        ("image/png, text/html, application/dicom;q=0.1", ExplicitVRLittleEndian),
        ("application/*", ExplicitVRLittleEndian),
    ],
)
def test_sc_32_instances_come_as_real_clients_ask_for_them(larger, accept, syntax):
    """SC-30, SC-32."""
    response = get(larger, accept)
    told = response.headers["content-type"]
    if told.startswith("multipart/"):
        ((fields, _),) = parts_of(response)
        told = fields["Content-Type"]

    assert told == f"application/dicom; transfer-syntax={syntax}"


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/frames/1", "image/jpeg"),
        ("/frames/1", f"{OCTETS}; transfer-syntax=1.2.840.10008.1.2.4.50"),
        ("/frames/1,1", "image/jls"),
        ("/frames/1", "text/html"),
        ("", "image/jls"),
        ("", f"{DICOM}; transfer-syntax=1.2.840.10008.1.2"),
        ("", f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.2"),
        ("", f"{DICOM}; transfer-syntax=1.2.3"),
        ("/bulkdata", "application/octet-stream"),
        ("/bulkdata", f"{RELATED}text/plain"),
    ],
)
def test_what_nothing_is_possible_of_is_refused_with_what_is(root, path, accept):
    response = get(instance_url(root, "jpegls") + path, accept)

    assert response.status_code == 406
    assert "transfer-syntax" in response.json()["detail"] or path == "/bulkdata"
    assert "offered: " in response.json()["detail"]


def test_the_accept_parameter_goes_before_the_header(root):
    """PS3.18 8.3.3.1: browsers cannot set the header."""
    url = f"{instance_url(root, 'jpegls')}/frames/1?accept=image/jls"

    assert get(url, OCTETS).headers["content-type"].startswith("image/jls;")


def test_bulk_data_were_once_asked_for_at_the_instances_themselves(root):
    """PS3.18 10.4.1.1.1, historical: multipart application/octet-stream of a study."""
    for path in (f"/studies/{STUDY}", f"/studies/{STUDY}/series/{SERIES}"):
        asked = parts_of(get(root + path, OCTETS))
        named = parts_of(get(f"{root}{path}/bulkdata", OCTETS))
        assert [body for _, body in asked] == [body for _, body in named]
    either = get(f"{root}/studies/{STUDY}", f"{OCTETS};q=0.9, {DICOM}; transfer-syntax=*")
    assert len(parts_of(either)) == len(FILES)

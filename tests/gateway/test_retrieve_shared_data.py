"""Every kind of real file is given back by WADO-RS, and its frames equal those of pydicom."""

from io import BytesIO

import httpx
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian

from gateway.keeping import Part
from gateway.retrieve.codecs import is_decodable
from tests.gateway.index_helper import Gateway
from tests.gateway.retrieve_example import DICOM, OCTETS, get, parts_of
from tests.shared_data import SHARED_DATA, shared_data

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
        ((_, stored),) = parts_of(get(url, f"{DICOM}; transfer-syntax=*"))
        header = get(f"{url}/metadata").json()[0]
        default = get(url, "application/dicom")
        frame = get(f"{url}/frames/1", "application/octet-stream")
        picture = get(f"{url}/rendered")
        as_stored = get(f"{url}/frames/1", f"{OCTETS}; transfer-syntax=*")
    gateway.close()

    assert stored == content
    syntax = ds.file_meta.TransferSyntaxUID
    assert header["00080018"]["Value"] == [ds.SOPInstanceUID]
    if not is_decodable(syntax):
        assert (default.content, frame.status_code) == (content, 406)
        assert as_stored.status_code == 200
        assert picture.status_code == 406
    elif "Rows" not in ds or not {"PixelData", "FloatPixelData"} & {e.keyword for e in ds}:
        assert frame.status_code == 404
        assert picture.status_code in (200, 404, 406)  # a document, or nothing to be seen
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

"""dicomweb-client, strict as it is, stores, finds and retrieves every kind of file.

Each file is stored alone in a study of its own: some share their UIDs on purpose. What comes back
is compared with the file by pydicom.
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import requests
from dicomweb_client import DICOMwebClient
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, JPEGExtended12Bit

from standards.uids import derived_uid
from tests.acceptance.dicomweb_client_compare import differences
from tests.acceptance.viewer_studies import MADE, made_study
from tests.serving import Gateway
from tests.shared_data import SHARED_DATA

pytestmark = pytest.mark.serve

# One file of each series, every file of the other folders.
SERIES = ("ct_chest_a0001", "ct_chest_lidc0001_part", "ct_head_tilt", "mr_brain_pd")
FOLDERS = (
    "burned_in_phi",
    "charsets",
    "enhanced",
    "mr_mosaic",
    "objects",
    "other",
    "rt",
    "seg_ct_liver",
    "transfer_syntaxes",
    "us",
    "xray",
)
AS_STORED = (("application/octet-stream", "*"),)
RAW = (("application/octet-stream", ExplicitVRLittleEndian),)
# No codec here knows these: their frames are given as they are stored, never as pixels.
UNDECODABLE = ("jpeg_retired_53", "jpeg_retired_55")


def files() -> list[Path]:
    series = (sorted((SHARED_DATA / name).rglob("*.dcm"))[:1] for name in SERIES)
    others = (sorted((SHARED_DATA / name).rglob("*.dcm")) for name in FOLDERS)
    return [path for found in (*series, *others) for path in found]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("client") / "data", workers="0") as gateway:
        yield gateway


@pytest.fixture(scope="module")
def client(gateway) -> DICOMwebClient:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {gateway.token}"
    return DICOMwebClient(f"{gateway.url}/dicom-web", session=session)


class Stored:
    """An instance in a study of its own, and where it is."""

    def __init__(self, client: DICOMwebClient, content: bytes, name: str) -> None:
        self.client, self.name = client, name
        self.source = _in_a_study_of_its_own(dcmread(BytesIO(content)), name)
        self.study = str(self.source.StudyInstanceUID)
        self.series = str(self.source.SeriesInstanceUID)
        self.instance = str(self.source.SOPInstanceUID)
        self.path = (self.study, self.series, self.instance)

    def check(self) -> None:
        self._store()
        self._search()
        self._retrieve()
        self._metadata_and_bulk_data()
        if "PixelData" in self.source:
            self._frames()
            self._rendered()

    def _store(self) -> None:
        reply = self.client.store_instances([self.source])
        (item,) = reply.ReferencedSOPSequence
        assert item.ReferencedSOPInstanceUID == self.instance
        assert "FailedSOPSequence" not in reply

    def _search(self) -> None:
        """At all six resources; what a client lists of it is what the file says."""
        by_uid = {"StudyInstanceUID": self.study}
        studies = self._datasets(self.client.search_for_studies(search_filters=by_uid))
        assert [one.StudyInstanceUID for one in studies] == [self.study]
        for keyword in ("PatientName", "PatientID", "StudyDate", "StudyDescription"):
            if told := self.source.get(keyword):
                assert studies[0][keyword].value == told
        for series in (
            self.client.search_for_series(self.study),
            self.client.search_for_series(search_filters=by_uid),
        ):
            (found,) = self._datasets(series)
            assert found.SeriesInstanceUID == self.series
            assert found.Modality == self.source.get("Modality", "")
        for instances in (
            self.client.search_for_instances(self.study, self.series),
            self.client.search_for_instances(self.study),
            self.client.search_for_instances(search_filters={"SOPInstanceUID": self.instance}),
        ):
            (found,) = self._datasets(instances)
            assert found.SOPClassUID == self.source.SOPClassUID

    def _retrieve(self) -> None:
        """As it is stored, by each of the three resources."""
        as_stored = (("application/dicom", "*"),)
        for found in (
            self.client.retrieve_instance(*self.path, media_types=as_stored),
            *self.client.retrieve_series(self.study, self.series, media_types=as_stored),
            *self.client.retrieve_study(self.study, media_types=as_stored),
        ):
            assert found.file_meta.TransferSyntaxUID == self.source.file_meta.TransferSyntaxUID
            assert found == self.source

    def _metadata_and_bulk_data(self) -> None:
        """Every attribute, at every level, and what its bulk data URI leads to."""
        header = self.client.retrieve_instance_metadata(*self.path)
        assert self.client.retrieve_series_metadata(self.study, self.series) == [header]
        assert self.client.retrieve_study_metadata(self.study) == [header]
        found = Dataset.from_json(json.dumps(header), self._bulk_data)
        assert differences(self.source, found) == []

    def _bulk_data(self, tag: str, vr: str, uri: str) -> bytes:
        """Pixel data is what they are stored as, one part a frame; the rest as one part."""
        return b"".join(self.client.retrieve_bulkdata(uri, media_types=AS_STORED))

    def _frames(self) -> None:
        numbers = list(range(1, int(self.source.get("NumberOfFrames") or 1) + 1))
        if self.source.file_meta.TransferSyntaxUID.is_encapsulated:
            stored = self.client.retrieve_instance_frames(
                *self.path, numbers, media_types=AS_STORED
            )
            expected = generate_frames(self.source.PixelData, number_of_frames=len(numbers))
            assert [frame.rstrip(b"\0") for frame in stored] == [
                frame.rstrip(b"\0") for frame in expected
            ]
        if self.name.endswith(UNDECODABLE):
            with pytest.raises(requests.HTTPError) as refusal:
                self.client.retrieve_instance_frames(*self.path, [1], media_types=RAW)
            assert refusal.value.response.status_code == 406
            return
        raw = self.client.retrieve_instance_frames(*self.path, numbers, media_types=RAW)
        assert len(raw) == len(numbers)
        for number, frame in zip(numbers, raw, strict=True):
            _compare_pixels(self.source, number, frame)

    def _rendered(self) -> None:
        if self.name.endswith(UNDECODABLE):
            return
        for media_type, kind in (("image/jpeg", "JPEG"), ("image/png", "PNG")):
            content = self.client.retrieve_instance_rendered(*self.path, media_types=(media_type,))
            picture = Image.open(BytesIO(content))
            assert picture.format == kind
            assert picture.size == (self.source.Columns, self.source.Rows)

    @staticmethod
    def _datasets(found: Sequence[dict]) -> list[Dataset]:
        return [Dataset.from_json(one) for one in found]


@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_real_file_goes_in_and_comes_out(client, path):
    Stored(client, path.read_bytes(), path.stem).check()


@pytest.mark.parametrize("name", MADE)
def test_every_made_file_goes_in_and_comes_out(client, tmp_path, name):
    path, *_ = made_study(name, tmp_path).files
    Stored(client, path.read_bytes(), name).check()


def test_a_body_in_chunks_is_stored_SC_10(gateway, tmp_path):
    """SC-10: dicomweb-client leaves Content-Length out once it is told a chunk size."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {gateway.token}"
    client = DICOMwebClient(f"{gateway.url}/dicom-web", session=session, chunk_size=4096)
    (name,) = (one for one in MADE if one == "CT")
    images = [dcmread(path) for path in made_study(name, tmp_path).files]
    images = [_in_a_study_of_its_own(image, "in chunks") for image in images]

    reply = client.store_instances(images)

    assert len(reply.ReferencedSOPSequence) == len(images)
    study = str(images[0].StudyInstanceUID)
    assert len(client.search_for_instances(study)) == len(images)


def _in_a_study_of_its_own(image: Dataset, name: str) -> Dataset:
    """Written and read again, so that it is what a client would send."""
    for tag in [tag for tag in image.keys() if tag >> 16 == 0]:  # noqa: SIM118
        del image[tag]  # group 0000 has no place in a file, dicomweb-client would not send it
    if "SOPClassUID" not in image:
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(image, keyword, derived_uid("client", name, keyword, image.get(keyword, "")))
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    content = BytesIO()
    image.save_as(content)
    return dcmread(BytesIO(content.getvalue()))


def _decoded_by_dcmtk(source: Dataset) -> Dataset:
    """JPEG of 12 bits, which pydicom does not read by itself."""
    with TemporaryDirectory() as folder:
        coded, plain = Path(folder, "coded.dcm"), Path(folder, "plain.dcm")
        source.save_as(coded)
        subprocess.run(["dcmdjpeg", coded, plain], check=True, capture_output=True)
        return dcmread(plain)


def _compare_pixels(source: Dataset, number: int, frame: bytes) -> None:
    """Decoded frames keep their colour space, but chroma that was subsampled becomes RGB."""
    if source.file_meta.TransferSyntaxUID == JPEGExtended12Bit:
        source = _decoded_by_dcmtk(source)
    raw = source.PhotometricInterpretation != "YBR_FULL_422"
    expected = pixel_array(source, index=number - 1, raw=raw)
    if source.BitsAllocated == 1:
        given = np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")
    else:
        given = np.frombuffer(frame, expected.dtype.newbyteorder("<"))
    np.testing.assert_array_equal(given[: expected.size], expected.reshape(-1))

"""Four studies to search, on both databases, over real HTTP.

CHEST has two series, requests and private elements; HEAD a name in three scripts; OLD sorts last
of those with a date; BARE has next to nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from pydicom import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, SecondaryCaptureImageStorage

from tests.gateway.index_helper import Gateway, written

ROOT = "2.25.100"
CHEST, HEAD, OLD, BARE = (f"{ROOT}.{number}" for number in range(1, 5))

STUDIES: dict[str, dict[str, object]] = {
    CHEST: {
        "StudyDate": "20240315", "StudyTime": "101530.5", "AccessionNumber": "A1",
        "PatientID": "P-1", "PatientName": "Müller^Änne", "StudyID": "S1",
        "StudyDescription": "CT CHEST 50%", "ReferringPhysicianName": "Doe^Jane",
        "PatientBirthDate": "19700101", "PatientSex": "F", "TimezoneOffsetFromUTC": "+0100",
    },
    HEAD: {
        "StudyDate": "20240401", "StudyTime": "080000", "AccessionNumber": "A2",
        "PatientID": "P-2", "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう", "StudyID": "S2",
        "StudyDescription": "MR head [contrast]", "ReferringPhysicianName": "Roe^Rick",
        "PatientAge": "045Y", "PatientWeight": "71.50",
    },
    OLD: {
        "StudyDate": "20190101", "StudyTime": "2359", "AccessionNumber": "A_3",
        "PatientID": "p-1", "PatientName": "Smith^John", "StudyID": "S3",
        "StudyDescription": "ct chest", "ReferringPhysicianName": "",
    },
    BARE: {},
}  # fmt: skip

CLIENT = httpx.Client(timeout=30)


def instance(study: str, series: int, number: int, modality: str = "CT", **more: object) -> bytes:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    classes = {"CT": CTImageStorage, "MR": MRImageStorage}
    ds.SOPClassUID = classes.get(modality, SecondaryCaptureImageStorage)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, f"{study}.{series}"
    ds.SOPInstanceUID = f"{study}.{series}.{number}"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = modality, series, number
    ds.PatientID, ds.PatientName, ds.StudyDate, ds.StudyTime = "", "", "", ""
    ds.SeriesDescription = f"series {series}"
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored = 4, 6, 16, 16
    ds.HighBit, ds.PixelRepresentation, ds.SamplesPerPixel = 15, 0, 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PixelData = bytes(48)
    for keyword, value in {**STUDIES.get(study, {}), **more}.items():
        setattr(ds, keyword, value)
    block = ds.private_block(0x0009, "ACME 1", create=True)
    block.add_new(0x01, "LO", f"private {number}")
    return written(ds)


def _item(**attributes: object) -> Dataset:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def _requests() -> list[Dataset]:
    protocols = [_item(CodeValue="CV1", CodingSchemeDesignator="99X"), _item(CodeValue="CV2")]
    return [
        _item(ScheduledProcedureStepID="STEP1", RequestedProcedureID="PROC1"),
        _item(
            ScheduledProcedureStepID="STEP2",
            RequestedProcedureID="PROC2",
            ScheduledProtocolCodeSequence=protocols,
        ),
    ]


def files() -> list[bytes]:
    """CHEST's other identifiers lie in a sequence of the study; its CT series has requests."""
    other = {"OtherPatientIDsSequence": [_item(PatientID="11235813", TypeOfPatientID="TEXT")]}
    of_series = {
        **other,
        "RequestAttributesSequence": _requests(),
        "PerformedProcedureStepStartDate": "20240315",
        "PerformedProcedureStepStartTime": "1016",
        "AcquisitionDateTime": "20240315101630.5+0100",
        "KVP": "120.0",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    }
    return [
        *(instance(CHEST, 1, number, **of_series) for number in (2, 1, 10)),
        instance(CHEST, 2, 1, "OT", **other),
        instance(HEAD, 1, 1, "MR", BodyPartExamined="HEAD", OperatorsName="Meyer^Katrin"),
        instance(OLD, 1, 1),
        instance(BARE, 1, 1),
    ]


@contextmanager
def searchable(
    folder: Path, *contents: bytes, database_url: str | None = None, **settings: object
) -> Iterator[str]:
    """The root of a gateway that holds these files, or those of the four studies."""
    gateway = Gateway(folder, database_url, **settings)
    gateway.store(*(contents or files()))
    with gateway.serving() as root:
        yield root
    gateway.close()


def get(root: str, path: str, accept: str = "application/dicom+json") -> httpx.Response:
    return CLIENT.get(f"{root}/dicom-web{path}", headers={"Accept": accept})


def found(root: str, path: str, tag: str = "0020000D") -> list:
    """The first value of an attribute in each result."""
    response = get(root, path)
    assert response.status_code == 200, response.text
    return [result[tag]["Value"][0] for result in response.json()]

"""DICOM JSON headers made up for routing and selection."""

from typing import Any

from pydicom import Dataset

from standards.study import Header, Series, Study


def header(**attributes: Any) -> Header:
    """A header from keywords, as the index would keep it."""
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset.to_json_dict()


def ct_series(
    uid: str = "1.2.3.1", slices: int = 40, spacing: float = 5.0, **attributes: Any
) -> Series:
    """A plain axial chest CT, with any attribute changed; None removes one."""
    usual = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "BodyPartExamined": "CHEST",
        "SeriesNumber": 3,
        "SeriesInstanceUID": uid,
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ConvolutionKernel": "B30f",
    }
    kept = {k: v for k, v in (usual | attributes).items() if v is not None}
    headers = [
        header(
            **kept,
            SOPInstanceUID=f"{uid}.{number}",
            ImagePositionPatient=[0, 0, number * spacing],
            InstanceNumber=number + 1,
        )
        for number in range(slices)
    ]
    return Series(uid, headers)


def study(*series: Series) -> Study:
    return Study("1.2.3", series)

"""Presentation states on the images of example_images, for tests.

state(image, SoftcopyVOILUTSequence=[...]) -> Dataset of a Grayscale Softcopy Presentation State
"""

from pydicom import Dataset

from gateway.rendering.presentation import GRAYSCALE
from tests.gateway.rendering.example_images import item

STUDY_ATTRIBUTES = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)


def reference(image: Dataset, *frames: int) -> Dataset:
    found = item(
        ReferencedSOPClassUID=image.SOPClassUID, ReferencedSOPInstanceUID=image.SOPInstanceUID
    )
    if frames:
        found.ReferencedFrameNumber = list(frames)
    return found


def area(first: list[int], last: list[int], **attributes: object) -> Dataset:
    """An item of the Displayed Area Selection Sequence."""
    shape = {"PresentationPixelAspectRatio": [1, 1]}
    if "PresentationPixelSpacing" in attributes:
        shape = {}
    return item(
        DisplayedAreaTopLeftHandCorner=first,
        DisplayedAreaBottomRightHandCorner=last,
        **{"PresentationSizeMode": "SCALE TO FIT", **shape, **attributes},
    )


def state(image: Dataset, *more_images: Dataset, **attributes: object) -> Dataset:
    """Shows the whole image; rescaled as the image is; no window. None removes an attribute."""
    ds = Dataset()
    ds.SOPClassUID = GRAYSCALE
    for keyword in STUDY_ATTRIBUTES:
        setattr(ds, keyword, image.get(keyword, ""))
    ds.SeriesInstanceUID = f"{image.StudyInstanceUID}.90"
    ds.SOPInstanceUID = f"{ds.SeriesInstanceUID}.1"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "PR", 90, 1
    ds.ContentLabel, ds.ContentDescription, ds.ContentCreatorName = "TEST", "", ""
    ds.PresentationCreationDate, ds.PresentationCreationTime = "20260101", "120000"
    images = (image, *more_images)
    ds.ReferencedSeriesSequence = [
        item(
            SeriesInstanceUID=each.SeriesInstanceUID,
            ReferencedImageSequence=[reference(each)],
        )
        for each in images
    ]
    ds.DisplayedAreaSelectionSequence = [area([1, 1], [image.Columns, image.Rows])]
    ds.ImageRotation, ds.ImageHorizontalFlip = 0, "N"
    ds.PresentationLUTShape = "IDENTITY"
    ds.RescaleSlope = image.get("RescaleSlope", 1)
    ds.RescaleIntercept = image.get("RescaleIntercept", 0)
    ds.RescaleType = "US"
    for keyword, value in attributes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds

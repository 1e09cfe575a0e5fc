"""The Image Library of a report: which images it speaks of (PS3.16 TID 1600, 1601, 1602)."""

from collections.abc import Sequence

from highdicom.sr import (
    CodeContentItem,
    ContainerContentItem,
    ContentSequence,
    DateContentItem,
    ImageContentItem,
    RelationshipTypeValues,
    TimeContentItem,
    UIDRefContentItem,
)
from highdicom.sr.value_types import ContentItem
from pydicom import Dataset
from pydicom.sr.coding import Code

_IMAGE_LIBRARY = Code("111028", "DCM", "Image Library")
_IMAGE_LIBRARY_GROUP = Code("126200", "DCM", "Image Library Group")
_MODALITY = Code("121139", "DCM", "Modality")
_STUDY_DATE = Code("111060", "DCM", "Study Date")
_STUDY_TIME = Code("111061", "DCM", "Study Time")
_FRAME_OF_REFERENCE_UID = Code("112227", "DCM", "Frame of Reference UID")
_SOURCE = Code("260753009", "SCT", "Source")

MODALITIES = {  # CID 29, by Modality (0008,0060)
    "CT": Code("CT", "DCM", "Computed Tomography"),
    "MR": Code("MR", "DCM", "Magnetic Resonance"),
    "PT": Code("PT", "DCM", "Positron emission tomography"),
    "NM": Code("NM", "DCM", "Nuclear Medicine"),
    "CR": Code("CR", "DCM", "Computed Radiography"),
    "DX": Code("DX", "DCM", "Digital Radiography"),
    "MG": Code("MG", "DCM", "Mammography"),
    "US": Code("US", "DCM", "Ultrasound"),
}


def image_library(
    images: Sequence[Dataset], study: Dataset, maps: Sequence[tuple[Code, Dataset]] = ()
) -> ContainerContentItem:
    """One library with the images in one group: OHIF reads the first group only.

    maps: the quantity and the header of each parametric map of the same result; they make a
        second group.
    What is equal in all images stands once at the group; highdicom's own library repeats it for
    every image, which for 300 slices is most of the file and of the time to write it.
    """
    group = _container(_IMAGE_LIBRARY_GROUP)
    group.ContentSequence = ContentSequence([*_common(images[0], study), *map(_entry, images)])
    library = _container(_IMAGE_LIBRARY, "1600")
    library.ContentSequence = ContentSequence([group, *_derived(maps)])
    return library


def _derived(maps: Sequence[tuple[Code, Dataset]]) -> list[ContentItem]:
    if not maps:
        return []
    group = _container(_IMAGE_LIBRARY_GROUP)
    group.ContentSequence = ContentSequence([_entry(one, quantity) for quantity, one in maps])
    return [group]


def _container(name: Code, template: str | None = None) -> ContainerContentItem:
    return ContainerContentItem(
        name, template_id=template, relationship_type=RelationshipTypeValues.CONTAINS
    )


def _common(image: Dataset, study: Dataset) -> list[ContentItem]:
    context = RelationshipTypeValues.HAS_ACQ_CONTEXT
    items: list[ContentItem] = []
    if image.get("Modality") in MODALITIES:
        items.append(CodeContentItem(_MODALITY, MODALITIES[image.Modality], context))
    if study.StudyDate:
        items.append(DateContentItem(_STUDY_DATE, study.StudyDate, context))
    if study.StudyTime:
        items.append(TimeContentItem(_STUDY_TIME, study.StudyTime, context))
    if image.get("FrameOfReferenceUID"):
        items.append(UIDRefContentItem(_FRAME_OF_REFERENCE_UID, image.FrameOfReferenceUID, context))
    return items


def _entry(image: Dataset, name: Code = _SOURCE) -> ImageContentItem:
    return ImageContentItem(
        name,
        image.SOPClassUID,
        image.SOPInstanceUID,
        relationship_type=RelationshipTypeValues.CONTAINS,
    )

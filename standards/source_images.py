"""The headers of a result's source, as highdicom reads them to refer to its instances."""

from collections.abc import Sequence

from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.tag import Tag

from standards.errors import StandardsError
from standards.frame_references import stand_in
from standards.patient_study import TYPE_2, UTF8

# Attributes of one image that its descendants build on: geometry, grey values, references.
_IMAGE = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "BodyPartExamined",
    "AcquisitionDate",
    "AcquisitionTime",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "PixelAspectRatio",
    "SliceThickness",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "ICCProfile",
    "NumberOfFrames",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
_IDENTITY = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_SIZE = ("Rows", "Columns")
_PLACE = (
    "FrameOfReferenceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
)
# By tag, since pydicom looks up a keyword each time, which for hundreds of instances takes longer
# than to encode an object.
_CHARACTER_SET = Tag("SpecificCharacterSet")
_EMPTY = tuple((Tag(keyword), dictionary_VR(keyword)) for keyword in TYPE_2)
_IMAGE_TAGS = tuple(Tag(keyword) for keyword in _IMAGE)


def named_instances(headers: Sequence[Dataset]) -> list[Dataset]:
    """The source instances with only what highdicom needs of them to refer to them.

    Of the patient they say nothing: standards.derived.finish writes that, since highdicom refuses
    some values and puts names that it finds unlikely into warnings.
    Raises StandardsError for no instance at all, or one that lacks its identity.
    """
    if not headers:
        raise StandardsError("an analysis without source instances; expected at least one")
    _check_each(headers, _IDENTITY)
    return [_image(header) for header in headers]


def source_images(instances: Sequence[Dataset]) -> Sequence[Dataset]:
    """Named instances that are images which something can be drawn on; else StandardsError."""
    _check_each(instances, _SIZE)
    return instances


def placed_images(instances: Sequence[Dataset]) -> Sequence[Dataset]:
    """As source_images, of instances that lie somewhere in the patient; else StandardsError."""
    _check_each(source_images(instances), _PLACE)
    return instances


def _check_each(headers: Sequence[Dataset], keywords: Sequence[str]) -> None:
    for keyword in keywords:
        if any(header.get(keyword) in (None, "") for header in headers):
            raise StandardsError(f"a source instance without {keyword}; expected one in each")


def _image(header: Dataset) -> Dataset:
    image = Dataset()
    image.add_new(_CHARACTER_SET, "CS", UTF8)
    for tag, vr in _EMPTY:
        image.add_new(tag, vr, None)
    for tag in _IMAGE_TAGS:
        element = header.get(tag)
        if element is not None and not element.is_empty:
            image.add(element)
    stand_in(image, header)
    return image

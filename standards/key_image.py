"""The key slice with everything drawn into its pixels: a Secondary Capture image."""

from collections.abc import Sequence

import numpy as np
from highdicom.sc import SCImage
from highdicom.sr import CodedConcept
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset
from pydicom.valuerep import DS

from standards import codes
from standards.analysis import Analysis, Result
from standards.contours import outlines
from standards.derived import copy_body_part, finish, local_date_and_time, series_of
from standards.errors import MissingFinding, StandardsError
from standards.findings import KeyImage, LabelMap
from standards.seg import check_shape
from standards.source_images import placed_images

SERIES_NUMBER = 9004

NOTICE = "AI - not for diagnosis"
_SMALLEST_WIDTH = 512  # narrower slices are enlarged, so that the text can be read
_OPACITY = 0.25
# What was lost once stays lost in what is derived (PS3.3 C.7.6.1.1.5).
_LOSSY = (
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
_TEXT_HEIGHT = 1 / 26  # of the image's width


def key_image(result: Result, modality_pixels: np.ndarray) -> SCImage:
    """Draw the findings into the key slice, for viewers that can show nothing else.

    modality_pixels: (rows, columns) of the key slice, in modality values (HU for CT).

    RGB: the key image's window is applied, each structure is tinted and outlined in its colour
    and named, and the picture says that it is not for diagnosis. It keeps its place in the
    patient (Image Plane and Frame of Reference are modules of the IOD), so viewers can show
    where it lies. Raises MissingFinding without a key image, StandardsError if the pixels do
    not have the size of the source, SourceMismatch if voxels and source differ.
    Follows PS3.3 A.8.1, C.8.6.1 and C.8.6.2.
    """
    analysis, labels, key = result.analysis, result.findings.label_map, result.findings.key_image
    if key is None or labels is None:
        raise MissingFinding("a Secondary Capture", "a key image with a label map")
    images = placed_images(analysis.instances)
    check_shape(labels.voxels, images)
    if modality_pixels.shape != labels.voxels.shape[1:]:
        raise StandardsError(
            f"the key slice has pixels of shape {modality_pixels.shape}; expected (rows, columns) "
            f"{labels.voxels.shape[1:]} as its source instance has"
        )
    image = images[key.slice_index]
    enlarged = -(-_SMALLEST_WIDTH // modality_pixels.shape[1])
    picture = picture_of(labels, key, modality_pixels, enlarged)
    dataset = SCImage(
        picture,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=analysis.study_instance_uid,
        patient_orientation=_patient_orientation(image),
        **series_of(analysis, "key image", SERIES_NUMBER),
    )
    _describe(dataset, analysis, image)
    _place(dataset, image, enlarged)
    finish(dataset, analysis, "key image")
    copy_body_part(dataset, analysis)
    return dataset


def picture_of(
    labels: LabelMap, key: KeyImage, modality_pixels: np.ndarray, enlarged: int
) -> np.ndarray:
    """The key slice as uint8, (rows, columns, 3), each pixel made `enlarged` times as wide."""
    grey = _windowed(modality_pixels, key.window_center, key.window_width)
    colour = np.repeat(grey[:, :, None], 3, axis=2).astype(np.float32)
    mask = labels.voxels[key.slice_index]
    for number, structure in enumerate(labels.structures, start=1):
        inside = mask == number
        colour[inside] += _OPACITY * (np.array(structure.colour) - colour[inside])
    height, width = mask.shape
    canvas = Image.fromarray(np.rint(colour).astype(np.uint8))
    canvas = canvas.resize((width * enlarged, height * enlarged), Image.Resampling.BILINEAR)
    _draw_outlines(canvas, labels, mask, enlarged)
    _write_names(canvas, labels, mask)
    return np.asarray(canvas)


def _windowed(values: np.ndarray, center: float, width: float) -> np.ndarray:
    """Modality values as grey 0-255, by the LINEAR function of PS3.3 C.11.2.1.2.1."""
    scaled = (values.astype(np.float32) - (center - 0.5)) / max(width - 1, 1) + 0.5
    return np.clip(scaled, 0, 1) * 255


def _draw_outlines(canvas: Image.Image, labels: LabelMap, mask: np.ndarray, enlarged: int) -> None:
    pen = ImageDraw.Draw(canvas)
    for number, structure in enumerate(labels.structures, start=1):
        for outline in outlines(mask == number):
            points = outline * enlarged - 0.5  # Pillow counts from the centre of a pixel
            pen.line([tuple(point) for point in points.tolist()], structure.colour, width=2)


def _write_names(canvas: Image.Image, labels: LabelMap, mask: np.ndarray) -> None:
    size = max(round(canvas.width * _TEXT_HEIGHT), 12)
    font = ImageFont.load_default(size)
    pen = ImageDraw.Draw(canvas)
    margin = size // 2
    lines = [(NOTICE, (255, 255, 0))]
    lines += [
        (structure.name, structure.colour)
        for number, structure in enumerate(labels.structures, start=1)
        if (mask == number).any()
    ]
    for row, (text, colour) in enumerate(lines):
        place = (margin, margin + row * round(size * 1.3))
        pen.text(place, text, fill=colour, font=font, stroke_width=2, stroke_fill=(0, 0, 0))


def _patient_orientation(image: Dataset) -> tuple[str, str]:
    """Patient Orientation (0020,0020): where rows and columns lead to, PS3.3 C.7.6.1.1.1."""
    cosines = [float(value) for value in image.ImageOrientationPatient]
    return _towards(cosines[:3]), _towards(cosines[3:])


def _towards(direction: Sequence[float]) -> str:
    axis = int(np.argmax(np.abs(direction)))
    return ("RL", "AP", "FH")[axis][int(direction[axis] > 0)]


def _describe(dataset: Dataset, analysis: Analysis, image: Dataset) -> None:
    algorithm = analysis.algorithm
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.ConversionType = "WSD"  # made by a workstation, not by a frame grabber
    dataset.BurnedInAnnotation = "YES"
    dataset.DateOfSecondaryCapture, dataset.TimeOfSecondaryCapture = local_date_and_time(analysis)
    dataset.DerivationDescription = (
        f"Window applied; structures found by {algorithm.name} {algorithm.version} tinted, "
        "outlined and named"
    )
    reference = Dataset()
    reference.ReferencedSOPClassUID = image.SOPClassUID
    reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
    reference.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(codes.SOURCE_IMAGE)]
    dataset.SourceImageSequence = [reference]
    for keyword in _LOSSY:
        if keyword in image:
            dataset[keyword] = image[keyword]


def _place(dataset: Dataset, image: Dataset, enlarged: int) -> None:
    """Put the picture where its slice lies: the source's plane, with smaller pixels if enlarged."""
    row_step, column_step = (float(value) for value in image.PixelSpacing)
    cosines = np.array(image.ImageOrientationPatient, dtype=float)
    # Image Position is the centre of the first pixel, which moves towards the corner.
    shift = (1 / enlarged - 1) / 2
    centre = np.array(image.ImagePositionPatient, dtype=float)
    centre += shift * (cosines[:3] * column_step + cosines[3:] * row_step)
    dataset.ImagePositionPatient = [DS(float(value), auto_format=True) for value in centre]
    dataset.ImageOrientationPatient = image.ImageOrientationPatient
    dataset.PixelSpacing = [
        DS(step / enlarged, auto_format=True) for step in (row_step, column_step)
    ]
    dataset.FrameOfReferenceUID = image.FrameOfReferenceUID
    dataset.PositionReferenceIndicator = image.get("PositionReferenceIndicator")
    dataset.SliceThickness = image.get("SliceThickness")

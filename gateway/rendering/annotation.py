"""Who and how, written into the corners of a picture on request: PS3.18 8.3.5.1.1."""

from collections.abc import Sequence

from PIL import Image, ImageDraw
from pydicom import Dataset

from gateway.rendering.attributes import functional_group, text
from gateway.rendering.fonts import draw_text, drawable, height_of, width_of
from gateway.rendering.parameters import Rendering

SMALLEST, LARGEST = 9, 48  # pixels of a line
_LINES_ON_A_PICTURE = 36
_MR_TIMING = "MRTimingAndRelatedParametersSequence"

# What a reader looks for beside the picture: label, unit, and where it may lie: the functional
# group of enhanced images, "" for the top of the data set (PS3.3 C.8).
_TECHNIQUE: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("", "", (("", "Modality"),)),
    ("", "", (("", "SeriesDescription"),)),
    ("kVp ", "", (("", "KVP"), ("CTXRayDetailsSequence", "KVP"))),
    ("", " mAs", (("", "Exposure"), ("CTExposureSequence", "ExposureInmAs"))),
    ("", " mA", (("", "XRayTubeCurrent"), ("CTExposureSequence", "XRayTubeCurrentInmA"))),
    ("", " ms", (("", "ExposureTime"), ("CTExposureSequence", "ExposureTimeInms"))),
    ("TR ", " ms", (("", "RepetitionTime"), (_MR_TIMING, "RepetitionTime"))),
    ("TE ", " ms", (("", "EchoTime"), ("MREchoSequence", "EffectiveEchoTime"))),
    ("FA ", "°", (("", "FlipAngle"), (_MR_TIMING, "FlipAngle"))),
    ("", " T", (("", "MagneticFieldStrength"),)),
    ("Slice ", " mm", (("", "SliceThickness"), ("PixelMeasuresSequence", "SliceThickness"))),
    ("Kernel ", "", (("", "ConvolutionKernel"),)),
    ("View ", "", (("", "ViewPosition"),)),
    (
        "Side ",
        "",
        (("", "ImageLaterality"), ("", "Laterality"), ("FrameAnatomySequence", "FrameLaterality")),
    ),
)


def annotate(
    picture: Image.Image, dataset: Dataset, frame: int, rendering: Rendering, notes: list[str]
) -> Image.Image:
    """The picture with what was asked for: the patient above, the technique below."""
    picture = picture.copy() if rendering.annotation else picture
    if "patient" in rendering.annotation:
        _write(picture, patient_lines(dataset, notes), notes, at_top=True)
    if "technique" in rendering.annotation:
        _write(picture, technique_lines(dataset, frame), notes, at_top=False)
    return picture


def patient_lines(dataset: Dataset, notes: list[str]) -> list[str]:
    """Name, Patient ID, birth date and sex. A name that cannot be drawn is said to be missing."""
    name = _drawable_name(dataset)
    if name is None:
        notes.append("the patient's name is in a script that cannot be drawn here")
        name = "(name: see the record)"
    birth, sex = text(dataset, "PatientBirthDate"), text(dataset, "PatientSex")
    born = f"born {birth[:4]}-{birth[4:6]}-{birth[6:8]}" if len(birth) == 8 else ""
    lines = [name, f"ID {text(dataset, 'PatientID')}", " ".join(filter(None, (born, sex)))]
    return [line if drawable(line) else "(see the record)" for line in lines if line.strip()]


def technique_lines(dataset: Dataset, frame: int) -> list[str]:
    lines = []
    for label, unit, places in _TECHNIQUE:
        value = _first_of(dataset, frame, places)
        if value and drawable(value):
            lines.append(f"{label}{value}{unit}")
    return lines


def _first_of(dataset: Dataset, frame: int, places: Sequence[tuple[str, str]]) -> str:
    for group, keyword in places:
        source = functional_group(dataset, frame, group) if group else dataset
        value = text(source, keyword).replace("\\", "/")[:40]
        if value:
            return f"{float(value):g}" if _is_number(value) else value
    return ""


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _drawable_name(dataset: Dataset) -> str | None:
    """The first group of the name that the font can draw; "" where there is no name at all."""
    groups = [group for group in text(dataset, "PatientName").split("=") if group.strip("^ ")]
    for group in groups:
        parts = [part.strip() for part in group.split("^")] + [""] * 5
        family, given, middle, prefix, suffix = parts[:5]
        first_names = " ".join(filter(None, (prefix, given, middle)))
        name = ", ".join(filter(None, (family, first_names, suffix)))
        if drawable(name):
            return name
    return None if groups else ""


def _write(picture: Image.Image, lines: list[str], notes: list[str], *, at_top: bool) -> None:
    written = "\n".join(lines)
    margin = max(2, picture.height // 100)
    room = (picture.width - 2 * margin, picture.height - 2 * margin)
    size = min(LARGEST, max(SMALLEST, picture.height // _LINES_ON_A_PICTURE))
    while size > SMALLEST and not _fits(written, size, room):
        size -= 1
    if not _fits(written, size, room):
        notes.append("the picture is too small for its annotation")
        return
    top = margin if at_top else picture.height - margin - height_of(written, size)
    draw_text(ImageDraw.Draw(picture), (margin, top), written, size, (255, 255, 255))


def _fits(written: str, size: int, room: tuple[int, int]) -> bool:
    return width_of(written, size) <= room[0] and height_of(written, size) <= room[1] * 0.5

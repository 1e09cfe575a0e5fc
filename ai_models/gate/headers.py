"""Checks of what the headers claim."""

from collections.abc import Sequence

from pydicom.uid import (
    UID,
    CTImageStorage,
    MRImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
)

from ai_models.card import InputSeries
from ai_models.gate.suspicion import Seen, Suspicion
from standards.frame_references import SINGLE_FRAME_CLASSES

# Modality is an enumerated value in these and in their enhanced kin: PS3.3 C.8.2.1, C.8.3.1,
# C.8.9.1, C.8.13.1, C.8.15.2, C.8.22.2.
_MODALITY_OF = {
    CTImageStorage: "CT",
    MRImageStorage: "MR",
    PositronEmissionTomographyImageStorage: "PT",
}
_SECONDARY_CAPTURES = (
    SecondaryCaptureImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
)
# Whose models want what a detector saw, not what a screen showed. The others may show either.
_RADIOGRAPHY = frozenset(("CR", "DX", "IO", "MG", "PX", "RG"))
_SCREENS = ("SCREEN SAVE", "SCREEN_SAVE", "SCREENSHOT")
_FEWEST_BITS_OF_CT = 12  # PS3.3 C.8.2.1.1.4: Bits Stored is 12 to 16

_HUMAN_CODES = ("337915000", "L-80700")  # SNOMED CT and its former code: Homo sapiens
_HUMAN_WORDS = ("homo sapiens", "human")


def modality(seen: Seen) -> Suspicion | None:
    """Modality is what the card asks for, and what the SOP Class means."""
    found = seen.stated("Modality")
    classes = (UID(uid) for uid in seen.stated("SOPClassUID"))
    single = {SINGLE_FRAME_CLASSES.get(one, one) for one in classes}
    meant = {_MODALITY_OF[one] for one in single if one in _MODALITY_OF}
    for expected in (set(seen.wanted.modality), meant):
        if expected and not set(found) <= expected:
            return Suspicion(_one_line(found), _one_line(sorted(expected)))
    return None


def wants_radiographs(wanted: InputSeries) -> bool:
    """Whether the card asks for nothing but radiographs as their detectors made them."""
    captures = set(_SECONDARY_CAPTURES) & set(wanted.sop_class_uid)
    return bool(wanted.modality) and set(wanted.modality) <= _RADIOGRAPHY and not captures


def burned_in_annotation(seen: Seen) -> Suspicion | None:
    """Text in the pixels is neither tissue nor anonymous (PS3.3 C.7.6.1)."""
    if "YES" in seen.stated("BurnedInAnnotation"):
        return Suspicion("YES", "images without text in their pixels")
    return None


def secondary_capture(seen: Seen) -> Suspicion | None:
    """A picture of images has lost their values, whatever its header says of them."""
    for uid in seen.stated("SOPClassUID"):
        if uid in _SECONDARY_CAPTURES and uid not in seen.wanted.sop_class_uid:
            return Suspicion(UID(uid).name, "images as the device made them")
    for image_type in seen.stated("ImageType"):
        if any(screen in image_type.upper() for screen in _SCREENS):
            return Suspicion(f"Image Type {image_type}", "images as the device made them")
    for header in seen.headers:
        bits = header.get("BitsStored") or 0
        if seen.modality == "CT" and bits < _FEWEST_BITS_OF_CT:
            return Suspicion(f"CT of {bits} bits", f"{_FEWEST_BITS_OF_CT} bits or more")
    return None


def species(seen: Seen) -> Suspicion | None:
    """Patient Species is stated of animals (PS3.3 C.7.1.1); nothing said means a human."""
    for header in seen.headers:
        codes = [code.get("CodeValue") for code in header.get("PatientSpeciesCodeSequence") or ()]
        words = str(header.get("PatientSpeciesDescription") or "").strip().lower()
        is_human = words in _HUMAN_WORDS if not codes else set(codes) <= set(_HUMAN_CODES)
        if (codes or words) and not is_human:
            return Suspicion("a patient of another species", "a human")
    return None


def body_part(seen: Seen) -> Suspicion | None:
    """What the header states is among what the card asks for; a header may state nothing."""
    wanted = {one.upper() for one in seen.wanted.body_part_examined}
    others = [one for one in seen.stated("BodyPartExamined") if one.upper() not in wanted]
    if wanted and others:
        return Suspicion(_one_line(others), _one_line(seen.wanted.body_part_examined))
    return None


def laterality(seen: Seen) -> Suspicion | None:
    """The side that each header states is among those of the card; it may state none.

    Image Laterality tells of the image, Laterality of its series (PS3.3 C.7.3.1, C.8.11.1).
    """
    stated = {
        str(header.get("ImageLaterality") or header.get("Laterality") or "")
        for header in seen.headers
    }
    others = sorted(stated - {"", *seen.wanted.laterality})
    if seen.wanted.laterality and others:
        return Suspicion(_one_line(others), _one_line(seen.wanted.laterality))
    return None


def _one_line(values: Sequence[str]) -> str:
    return " or ".join(values) or "nothing"

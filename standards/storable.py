"""Whether an instance can be kept and read again by whoever asks for it."""

from collections.abc import Mapping
from typing import Any

from pydicom._uid_dict import UID_dictionary

from standards.part10 import Header, PixelData
from standards.store_response import FailedInstance, FailureReason
from standards.study import value, values
from standards.uids import is_uid

_STORAGE_ROOT = "1.2.840.10008.5.1.4.1.1."  # newer classes than the dictionary, such as 66.7
_NOT_STORAGE = ("FIND", "MOVE", "GET", "Creation", "Query", "Commitment", "Print")
_NATIVE = frozenset(
    ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2")
)
# Type 1 in the Image Pixel module, PS3.3 Table C.7-11a
_IMAGE_PIXEL = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
)
_IDENTITY = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")


def is_storage_class(sop_class_uid: str) -> bool:
    """Storage SOP Classes (PS3.4 B.5), retired ones and those newer than the dictionary too."""
    entry = UID_dictionary.get(sop_class_uid)
    if entry is None:
        return sop_class_uid.startswith(_STORAGE_ROOT)
    name, kind = entry[0], entry[1]
    return kind == "SOP Class" and "Storage" in name and not any(w in name for w in _NOT_STORAGE)


def is_transfer_syntax(uid: str) -> bool:
    entry = UID_dictionary.get(uid)
    return entry is not None and entry[1] == "Transfer Syntax"


def why_not_storable(header: Header, attributes: Mapping[str, Any]) -> FailedInstance | None:
    """Why this instance is refused, or None. attributes: the header as DICOM JSON.

    FailureReason follows PS3.18 Table I.2-2: C000 without its UIDs, 0122 and C122 for an unknown
    SOP Class or transfer syntax, A900 when its pixel data and their description do not agree.
    """
    uids = {keyword: "\\".join(map(str, values(attributes, keyword))) for keyword in _IDENTITY}
    sop_class, sop_instance = uids["SOPClassUID"], uids["SOPInstanceUID"]
    readable = sop_instance if is_uid(sop_instance) else ""

    def refused(failure_reason: FailureReason, reason: str) -> FailedInstance:
        known_class = sop_class if is_uid(sop_class) else ""
        study = uids["StudyInstanceUID"]
        known_study = study if is_uid(study) else ""
        return FailedInstance(failure_reason, reason, known_class, readable, known_study)

    for keyword, uid in uids.items():
        if not is_uid(uid):
            found = "absent or empty" if not uid else "not a UID (digits and dots, 64 at most)"
            return refused(
                FailureReason.CANNOT_UNDERSTAND, f"{keyword} is {found}; correct it and send again"
            )
    if not is_storage_class(sop_class):
        return refused(
            FailureReason.SOP_CLASS_NOT_SUPPORTED, f"{sop_class} is no Storage SOP Class known here"
        )
    if not is_transfer_syntax(header.transfer_syntax_uid):
        return refused(
            FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED,
            "the transfer syntax is not one of PS3.5; send Explicit VR Little Endian instead",
        )
    fault = _pixel_fault(header, attributes)
    return refused(FailureReason.DOES_NOT_MATCH_SOP_CLASS, fault) if fault else None


def _pixel_fault(header: Header, attributes: Mapping[str, Any]) -> str:
    """What is wrong between the pixel data and the attributes that describe them, or ""."""
    pixels = header.pixel_data
    if pixels is None or pixels.length == 0:
        return ""
    missing = [keyword for keyword in _IMAGE_PIXEL if not value(attributes, keyword)]
    if missing:
        return f"pixel data without {', '.join(missing)} (type 1 in PS3.3 C.7.6.3)"
    native = header.transfer_syntax_uid in _NATIVE
    if native == pixels.encapsulated:
        found = "encapsulated fragments" if pixels.encapsulated else "one plain value"
        return f"the pixel data are {found}, which {header.transfer_syntax_uid} does not allow"
    return _length_fault(pixels, attributes) if native else ""


def _length_fault(pixels: PixelData, attributes: Mapping[str, Any]) -> str:
    try:
        expected = _native_length(attributes)
    except (TypeError, ValueError):
        return "Rows, Columns, Bits Allocated or Number of Frames is not a number"
    if pixels.length < expected:
        return f"{pixels.length} bytes of pixel data where the header describes {expected}"
    return ""


def _native_length(attributes: Mapping[str, Any]) -> int:
    """Bytes of uncompressed pixel data, PS3.5 8.1.1, without the padding byte."""
    frames = max(int(value(attributes, "NumberOfFrames") or 1), 1)
    samples = int(value(attributes, "SamplesPerPixel"))
    pixels = int(value(attributes, "Rows")) * int(value(attributes, "Columns")) * frames
    bits = pixels * samples * int(value(attributes, "BitsAllocated"))
    if str(value(attributes, "PhotometricInterpretation", "")).endswith("_422"):
        bits = bits * 2 // 3  # chrominance is halved horizontally, PS3.3 C.7.6.3.1.2
    return (bits + 7) // 8

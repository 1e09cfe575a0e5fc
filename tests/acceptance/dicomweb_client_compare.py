"""Compare a data set that came as DICOM JSON with the file that was stored."""

from pydicom import DataElement, Dataset
from pydicom.dataset import FileDataset
from pydicom.multival import MultiValue
from pydicom.uid import ExplicitVRBigEndian

PIXELS = 0x7FE00010  # compared frame by frame
CHARACTER_SET = 0x00080005  # JSON is always UTF-8
AVAILABLE = 0x00083002  # Available Transfer Syntax UID, which the gateway adds
WORDS = {"OW": 2, "OL": 4, "OF": 4, "OV": 8, "OD": 8}


def differences(source: FileDataset, found: Dataset) -> list[str]:
    """What the found one lacks, has too much or tells otherwise; empty when it says the same."""
    big_endian = source.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    return list(_differences(source, found, "", big_endian))


def _differences(source: Dataset, found: Dataset, path: str, big_endian: bool):
    told = {tag for tag in source.keys() if _is_told(tag)}  # noqa: SIM118 (keys keep raw elements)
    for tag in sorted(told ^ {tag for tag in found.keys() if _is_told(tag)}):  # noqa: SIM118
        yield f"{path}{tag} is only in the {'file' if tag in told else 'metadata'}"
    for tag in sorted(told & set(found.keys())):
        ours, theirs = source[tag], found[tag]
        if ours.VR == "SQ" and theirs.VR == "SQ":
            if len(ours.value) != len(theirs.value):
                yield f"{path}{tag} has {len(theirs.value)} items, not {len(ours.value)}"
            for number, items in enumerate(zip(ours.value, theirs.value, strict=False)):
                yield from _differences(*items, f"{path}{tag}[{number}].", big_endian)
        elif not _same(ours, theirs, big_endian):
            yield f"{path}{tag} {ours.VR}/{theirs.VR}: {ours.value!r:.60} but {theirs.value!r:.60}"


def _is_told(tag: int) -> bool:
    """Group lengths are not metadata (PS3.18 F.2.2)."""
    return tag & 0xFFFF != 0 and tag not in (PIXELS, CHARACTER_SET, AVAILABLE)


def _same(ours: DataElement, theirs: DataElement, big_endian: bool) -> bool:
    if isinstance(ours.value, bytes) and big_endian:
        size = WORDS.get(ours.VR, 1)
        swapped = bytes(
            byte
            for start in range(0, len(ours.value), size)
            for byte in reversed(ours.value[start : start + size])
        )
        return swapped == theirs.value
    if ours.is_empty or theirs.is_empty:
        return bool(ours.is_empty and theirs.is_empty)
    return bool(_stripped(ours.value) == _stripped(theirs.value))


def _stripped(value: object) -> object:
    """Trailing spaces mean nothing, also within a list (PS3.5 6.2)."""
    if isinstance(value, MultiValue):
        return [_stripped(one) for one in value]
    return value.rstrip(" ") if isinstance(value, str) else value

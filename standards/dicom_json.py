"""A header as DICOM JSON (PS3.18 Annex F), written straight from the elements as they lie.

pydicom's own way turns every element into a checked Python value first; here the bytes become
JSON values directly, which is some ten times faster, and a value that breaks the rules of its
VR becomes a string or null, never an error: what a device wrote must not make a study unreadable.
"""

import base64
import json
import math
import re
import struct
from array import array
from functools import lru_cache
from typing import Any

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.valuerep import TEXT_VR_DELIMS

from standards.limits import Left
from standards.part10 import PIXEL_DATA, Header
from standards.vrs import BINARY, BY_CHARACTER_SET, FLOATS, INTEGERS, KNOWN, NAME_GROUPS, ONE_VALUE

BULK_DATA = "airgate:bulkdata/"  # then the path: tag, or tag/item/tag..., items from 0
LARGEST_INLINE = 1024  # bytes of a binary value that is still written inline

Json = dict[str, Any]

_NUMBERS = {**INTEGERS, **FLOATS}
_TRAILING_ONLY = frozenset(("LT", "ST", "UC", "UR", "UT"))  # leading spaces count
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_AVAILABLE_TRANSFER_SYNTAX = "00083002"


def header_json(header: Header) -> bytes:
    """The whole header as UTF-8 JSON: what /metadata answers for one instance, bulk data by URI.

    Tags ascend; File Meta Information and group lengths are left out; pixel data always, other
    binary values above LARGEST_INLINE bytes, are `airgate:bulkdata/...` URIs. Available Transfer
    Syntax UID (0008,3002) says how the pixel data are stored.
    """
    return dumps(header_attributes(header))


def header_attributes(header: Header) -> Json:
    """As header_json, as a dict of element dicts by tag."""
    attributes = attributes_of(header.dataset)
    attributes[_AVAILABLE_TRANSFER_SYNTAX] = {"vr": "UI", "Value": [header.transfer_syntax_uid]}
    if header.pixel_data is not None:
        tag = f"{header.pixel_data.tag:08X}"
        attributes[tag] = {"vr": header.pixel_data.vr, "BulkDataURI": BULK_DATA + tag}
    return dict(sorted(attributes.items()))


def attributes_of(dataset: Dataset, largest_inline: int | None = LARGEST_INLINE) -> Json:
    """Any data set as a DICOM JSON object: a workitem, a response, a result just made.

    largest_inline: bytes of a binary value above which its URI is written; None: never a URI.
    """
    return _Writer(dataset, largest_inline).attributes(dataset, "")


def dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8",
        "replace",  # a lone surrogate cannot be said in UTF-8
    )


class _Writer:
    """Writes one data set and the items within it."""

    def __init__(self, root: Dataset, largest_inline: int | None) -> None:
        self._root = root
        self._largest_inline = largest_inline

    def attributes(self, dataset: Dataset, path: str) -> Json:
        elements: dict[int, Any] = {int(e.tag): e for e in dataset.values()}
        encodings = _encodings(dataset, self._root)
        written: Json = {}
        for number in sorted(elements):
            if number & 0xFFFF == 0 or number >> 16 < 8:
                continue  # group lengths; command and file meta groups
            tag = f"{number:08X}"
            written[tag] = self._element(elements[number], tag, dataset, encodings, path)
        return written

    def _element(
        self,
        element: RawDataElement | DataElement,
        tag: str,
        dataset: Dataset,
        encodings: list[str],
        path: str,
    ) -> Json:
        if isinstance(element, RawDataElement):
            vr = self._vr(element, dataset)
            if vr == "SQ":  # not parsed yet: pydicom read this data set
                element = dataset[element.tag]
            else:
                return self._raw(vr, element, encodings, path + tag)
        if element.VR == "SQ":
            items = [
                self.attributes(item, f"{path}{tag}/{number}/")
                for number, item in enumerate(element.value or ())
            ]
            return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        return self._converted(element, path + tag)

    def _vr(self, element: RawDataElement, dataset: Dataset) -> str:
        """The written VR, or the dictionary's when none was written or UN hides a known one."""
        vr = element.VR
        if vr is None or (vr == "UN" and len(element.value or b"") < 0xFFFF):
            vr = _dictionary_vr(element.tag, dataset, vr)
        if " or " not in vr:
            return vr if vr in KNOWN else "UN"
        if "OW" in vr:
            return "OW"
        sign = dataset.get("PixelRepresentation", self._root.get("PixelRepresentation", 0))
        return "SS" if sign == 1 else "US"

    def _raw(self, vr: str, element: RawDataElement, encodings: list[str], path: str) -> Json:
        value, little = element.value, element.is_little_endian
        if isinstance(value, Left):
            return {"vr": vr if vr in BINARY else "UN", "BulkDataURI": BULK_DATA + path}
        if vr in BINARY:
            return self._binary(vr, element.tag, value, little, path)
        if not value:
            return {"vr": vr}
        if vr in _NUMBERS:
            return _with(vr, _numbers(value, _NUMBERS[vr], little))
        if vr == "AT":
            halves = _numbers(value, "H", little)
            pairs = zip(halves[::2], halves[1::2], strict=False)
            return _with(vr, [f"{group:04X}{element:04X}" for group, element in pairs])
        return _with(vr, _text_values(vr, _decoded(vr, value, encodings)))

    def _converted(self, element: DataElement, path: str) -> Json:
        """An element whose value is already Python's: made by a program, or touched by one."""
        vr, value = str(element.VR), element.value
        if vr in BINARY or isinstance(value, bytes):
            return self._binary(vr if vr in BINARY else "OW", element.tag, value, True, path)
        vr = "US" if " or " in vr else vr
        many = isinstance(value, MultiValue | list | tuple)
        values = list(value) if many else [value]
        if vr in _NUMBERS:
            return _with(vr, [_finite(number) for number in values])
        if vr == "AT":
            return _with(vr, [f"{int(tag):08X}" for tag in values if tag is not None])
        texts = ["" if each is None else _original(each) for each in values]
        return _with(vr, _text_values(vr, "\\".join(texts)))

    def _binary(self, vr: str, tag: int, value: bytes | None, little: bool, path: str) -> Json:
        limit = self._largest_inline
        if value is None and tag not in PIXEL_DATA:
            return {"vr": vr}
        if limit is not None and (tag in PIXEL_DATA or len(value or b"") > limit):
            return {"vr": vr, "BulkDataURI": BULK_DATA + path}
        return _inline(vr, value or b"", little)


@lru_cache(maxsize=8192)
def _public_vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def _dictionary_vr(tag: BaseTag, dataset: Dataset, written: str | None) -> str:
    if not (tag >> 16) & 1:
        return _public_vr(tag)
    if tag.is_private_creator:
        return "LO"
    creator = dataset.get_item(BaseTag((tag & 0xFFFF0000) | ((tag & 0xFFFF) >> 8)))
    name = creator.value if creator is not None else b""
    try:
        text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
        vr = private_dictionary_VR(tag, text.strip(" \0"))
    except (KeyError, ValueError):
        return "UN"
    return "UN" if vr == "SQ" else vr


def _original(value: Any) -> str:
    """The text that a DS or IS was written as, the text of anything else."""
    original = getattr(value, "original_string", None)
    return original if isinstance(original, str) and original else str(value)


def _with(vr: str, values: list[Any]) -> Json:
    if not values or (values[0] is None and not any(value is not None for value in values)):
        return {"vr": vr}
    return {"vr": vr, "Value": values}


def _inline(vr: str, value: bytes, little: bool) -> Json:
    if not value:
        return {"vr": vr}
    if not little and BINARY[vr] != "B":
        words = array(BINARY[vr], value[: len(value) - len(value) % array(BINARY[vr]).itemsize])
        words.byteswap()  # inline binary is little endian, F.2.7
        value = words.tobytes()
    return {"vr": vr, "InlineBinary": base64.b64encode(value).decode("ascii")}


def _numbers(value: bytes, code: str, little: bool) -> list[Any]:
    size = struct.calcsize(code)
    count = len(value) // size
    numbers = struct.unpack_from(f"{'<' if little else '>'}{count}{code}", value)
    return [_finite(number) for number in numbers] if code in "fd" else list(numbers)


def _finite(number: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if number is None or number == "":
        return None
    if isinstance(number, float):
        return float(number) if math.isfinite(number) else None
    return int(number)


def _decoded(vr: str, value: bytes, encodings: list[str]) -> str:
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    if vr not in BY_CHARACTER_SET:
        return value.decode("latin-1")
    if b"\x1b" in value:  # ISO 2022 code extensions
        try:
            return decode_bytes(value, encodings, set(TEXT_VR_DELIMS))
        except (LookupError, ValueError):
            return value.decode("ascii", "replace")
    return value.decode(encodings[0], "replace")


def _text_values(vr: str, text: str) -> list[Any]:
    if vr in ONE_VALUE:
        text = text.rstrip(" \0")
        return [text] if text else []
    pieces = text.split("\\")
    if vr == "PN":
        return [_name(piece.strip(" \0")) for piece in pieces]
    if vr == "DS":
        return [_decimal(piece.strip(" \0")) for piece in pieces]
    if vr == "IS":
        return [_integer(piece.strip(" \0")) for piece in pieces]
    if vr in _TRAILING_ONLY:
        return [piece.rstrip(" \0") or None for piece in pieces]
    return [piece.strip(" \0") or None for piece in pieces]


def _name(text: str) -> Json | None:
    groups = zip(NAME_GROUPS, (group.strip() for group in text.split("=")), strict=False)
    return {component: group for component, group in groups if group} or None


def _decimal(text: str) -> float | int | str | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text or None


def _integer(text: str) -> int | str | None:
    return int(text) if _INTEGER.fullmatch(text) else text or None


def _encodings(dataset: Dataset, root: Dataset) -> list[str]:
    """Python codecs of the data set's Specific Character Set, PS3.3 C.12.1.1.2."""
    found = dataset.original_character_set or root.original_character_set
    if dataset.get_item(BaseTag(0x00080005)) is not None:
        try:
            found = convert_encodings(dataset.get("SpecificCharacterSet"))
        except LookupError:
            found = "iso8859"
    return [found] if isinstance(found, str) else list(found) or ["iso8859"]

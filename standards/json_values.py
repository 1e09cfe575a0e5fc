"""The values of one attribute, from DICOM JSON (PS3.18 Table F.2.3-1) to bytes (PS3.5 6.2)."""

import math
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

from pydicom.valuerep import format_number_as_ds

from standards.errors import MalformedMetadata
from standards.vrs import BY_CHARACTER_SET, FLOATS, INTEGERS, NAME_GROUPS, ONE_VALUE, TEXTS

_INTEGER = re.compile(r" *[+-]?[0-9]{1,20} *")
_DECIMAL = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})? *")
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_NOT_FINITE = {
    "NaN": math.nan,
    **dict.fromkeys(("Infinity", "inf"), math.inf),
    **dict.fromkeys(("-Infinity", "-inf"), -math.inf),
}
_NUMBERS_AS_STRINGS = frozenset(("SV", "UV"))  # JSON numbers lose digits beyond 2**53


def encoded_values(tag: int, vr: str, values: Sequence[Any]) -> bytes:
    """The value field, little endian and UTF-8, not padded. VR is neither SQ nor binary.

    A null among text values is an empty one; nulls alone are an empty attribute.
    Raises MalformedMetadata, which names the attribute and never the value.
    """
    if all(value is None for value in values):
        return b"\\" * max(len(values) - 1, 0) if vr in TEXTS else b""
    try:
        return _encoded(vr, values)
    except (_Unfit, struct.error, OverflowError) as error:
        raise MalformedMetadata(f"{tag:08X}: {error}; its VR is {vr}") from None
    except UnicodeEncodeError:
        raise MalformedMetadata(f"{tag:08X}: characters that VR {vr} cannot have") from None


def padding(vr: str) -> bytes:
    """What makes an odd value even, PS3.5 6.2."""
    return b" " if vr in TEXTS and vr != "UI" else b"\0"


class _Unfit(Exception):
    """A value that its VR does not allow; the message tells what it should be."""


def _encoded(vr: str, values: Sequence[Any]) -> bytes:
    if vr in INTEGERS:
        whole = [_whole(value, strings=vr in _NUMBERS_AS_STRINGS) for value in values]
        return struct.pack(f"<{len(whole)}{INTEGERS[vr]}", *whole)
    if vr in FLOATS:
        return struct.pack(f"<{len(values)}{FLOATS[vr]}", *[_float(value) for value in values])
    if vr == "AT":
        return b"".join(_pointer(value) for value in values)
    if vr in ONE_VALUE and len(values) > 1:
        raise _Unfit(f"{len(values)} values where one is allowed")
    write = _WRITTEN.get(vr, _text)
    texts = ["" if value is None else write(value) for value in values]
    if vr not in ONE_VALUE and any("\\" in text for text in texts):
        raise _Unfit("a backslash within a value; expected each value on its own")
    return "\\".join(texts).encode("utf-8" if vr in BY_CHARACTER_SET else "ascii")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Unfit("a value that is no JSON string")
    return value


def _person_name(value: Any) -> str:
    if not isinstance(value, dict) or not set(value) <= set(NAME_GROUPS):
        raise _Unfit('a name that is no object such as {"Alphabetic": "Family^Given"}')
    groups = [_text(value.get(group) or "") for group in NAME_GROUPS]
    if any("=" in group for group in groups):
        raise _Unfit("a name with = within a group; expected each group under its own name")
    return "=".join(groups).rstrip("=")


def _decimal(value: Any) -> str:
    """A string keeps every digit; a number gets the 16 characters that PS3.5 allows."""
    if isinstance(value, str):
        if value.strip(" ") and not _DECIMAL.fullmatch(value):
            raise _Unfit("a string that is no decimal number")
        return value
    number = _float(value)
    if not math.isfinite(number):
        raise _Unfit("a number that is not finite")
    if isinstance(value, int) and len(str(value)) <= 16:
        return str(value)
    return text if len(text := repr(number)) <= 16 else format_number_as_ds(number)


def _integer(value: Any) -> str:
    if isinstance(value, str):
        if value.strip(" ") and not _INTEGER.fullmatch(value):
            raise _Unfit("a string that is no whole number")
        return value
    whole = _whole(value)
    if not -(2**31) <= whole < 2**31:
        raise _Unfit("a whole number of more than 32 bits")
    return str(whole)


def _whole(value: Any, *, strings: bool = False) -> int:
    if strings and isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Unfit("a value that is no whole number")
    return value


def _float(value: Any) -> float:
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unfit("a value that is no number")
    try:
        number = float(value)
    except OverflowError:
        raise _Unfit("a number that is not finite") from None
    if not math.isfinite(number):  # 1e999 in the text
        raise _Unfit("a number that is not finite")
    return number


def _pointer(value: Any) -> bytes:
    if not isinstance(value, str) or not _TAG.fullmatch(value):
        raise _Unfit("a tag that is no eight hexadecimal digits")
    return struct.pack("<HH", int(value[:4], 16), int(value[4:], 16))


_WRITTEN: dict[str, Callable[[Any], str]] = {
    "PN": _person_name,
    "DS": _decimal,
    "IS": _integer,
}

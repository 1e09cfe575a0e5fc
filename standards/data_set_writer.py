"""Encoding a data set that came as DICOM JSON attributes: Explicit VR Little Endian, PS3.5 7.1.2.

What is written is a list of pieces, so that bulk data of any size stay where they are until
somebody copies them. Text is written as UTF-8, which is what DICOM JSON and XML are in; Specific
Character Set (0008,0005) says so afterwards, whatever it said before, here and in every item.
"""

import base64
import binascii
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from standards.elements import DEEPEST_NESTING
from standards.errors import MalformedMetadata
from standards.json_values import encoded_values, padding
from standards.vrs import BINARY, KNOWN, LONG_FORM

Json = Mapping[str, Any]

_CHARACTER_SET = "00080005"
_UTF8 = {"vr": "CS", "Value": ["ISO_IR 192"]}
_CONTENTS = ("Value", "BulkDataURI", "InlineBinary")
# Retrieve AE Title, Instance Availability, Retrieve URL, Available Transfer Syntax UID: what
# answers add to an instance (PS3.18 10.6.3.3), which it does not have itself.
_OF_ANSWERS = frozenset(("00080054", "00080056", "00081190", "00083002"))
# What may be a BulkDataURI, PS3.18 10.4.1.1.2.
_MAY_BE_BULK = frozenset(BINARY) | frozenset(
    ("DS", "FL", "FD", "IS", "LT", "SL", "SS", "ST", "SV", "UC", "UL", "US", "UT", "UV")
)
_LONGEST_SHORT = 0xFFFE  # bytes in a length of 16 bits, even
_LONGEST = 0xFFFFFFFE
_UNDEFINED = 0xFFFFFFFF
_ITEM, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes that lie elsewhere: how many they are, and how to read them, once or again."""

    length: int
    read: Callable[[], Iterable[bytes]]


Piece = bytes | Stretch
Bulk = Callable[[str, str], Stretch]  # tag and BulkDataURI; raises what its caller understands


def encoded_data_set(
    attributes: Json, bulk: Bulk, frames: Sequence[Stretch] | None = None
) -> Iterator[Piece]:
    """The data set in Explicit VR Little Endian.

    bulk:  gives the bytes of each BulkDataURI, pixel data of a native transfer syntax included.
    frames:  compressed frames, one fragment each, written as the value of Pixel Data (PS3.5 A.4).

    File Meta Information, group lengths, command elements and what only answers have are left
    out. Numbers of DS become at most 16 characters; strings stay as they are. A value too long
    for its VR's length of 16 bits is written as UN (PS3.5 6.2.2).
    Raises MalformedMetadata, naming the attribute, and what `bulk` raises.
    """
    own = {tag: element for tag, element in attributes.items() if tag not in _OF_ANSWERS}
    writer = _Writer(bulk, frames)
    return _joined(writer.data_set({**own, _CHARACTER_SET: _UTF8}, 0))


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbouring bytes as one piece."""
    together = bytearray()
    for piece in pieces:
        if isinstance(piece, bytes):
            together += piece
            continue
        if together:
            yield bytes(together)
            together.clear()
        yield piece
    if together:
        yield bytes(together)


@dataclass(frozen=True, slots=True)
class _Writer:
    bulk: Bulk
    frames: Sequence[Stretch] | None

    def data_set(self, attributes: Json, depth: int) -> list[Piece]:
        if depth > DEEPEST_NESTING:
            raise MalformedMetadata(f"sequences nested more than {DEEPEST_NESTING} deep")
        written: list[Piece] = []
        seen = 0
        for tag, name in sorted((_tag(name), name) for name in attributes):
            if tag == seen:
                raise MalformedMetadata(f"{name} twice in one data set")
            seen = tag
            if tag >> 16 >= 8 and tag & 0xFFFF and not (depth and name == _CHARACTER_SET):
                written += self._element(tag, attributes[name], depth)
        return written

    def _element(self, tag: int, element: Any, depth: int) -> list[Piece]:
        vr = _checked_vr(tag, element)
        if tag == 0x7FE00010 and depth == 0 and self.frames is not None:
            return list(_encapsulated(self.frames))
        if "BulkDataURI" in element:
            value = [self._bulk(tag, vr, element["BulkDataURI"])]
        elif vr == "SQ":
            value = self._items(tag, element, depth)
        elif vr in BINARY:
            value = [_inline(tag, vr, element)]
        else:
            value = [encoded_values(tag, vr, _values(tag, element))]
        length = sum(_length(piece) for piece in value)
        if length % 2:
            value.append(padding(vr))
            length += 1
        return [_head(tag, vr, length), *value]

    def _items(self, tag: int, element: Json, depth: int) -> list[Piece]:
        written: list[Piece] = []
        for item in _values(tag, element):
            if not isinstance(item, dict):
                raise MalformedMetadata(f"{_name(tag)} with an item that is no object")
            content = self.data_set(item, depth + 1)
            length = sum(_length(piece) for piece in content)
            if length > _LONGEST:
                raise MalformedMetadata(f"{_name(tag)} with an item of {length} bytes")
            written += [_ITEM + struct.pack("<L", length), *content]
        return written

    def _bulk(self, tag: int, vr: str, uri: Any) -> Piece:
        if vr not in _MAY_BE_BULK:
            raise MalformedMetadata(f"{_name(tag)} with a BulkDataURI, but VR {vr}")
        if not isinstance(uri, str) or not uri:
            raise MalformedMetadata(f"{_name(tag)} with a BulkDataURI that is no text")
        return self.bulk(_name(tag), uri)


def _encapsulated(frames: Sequence[Stretch]) -> Iterator[Piece]:
    """Pixel Data as fragments with a Basic Offset Table, where 32 bits can tell the offsets."""
    offsets, end = [], 0
    for frame in frames:
        offsets.append(end)
        end += 8 + frame.length + frame.length % 2
    table = struct.pack(f"<{len(offsets)}L", *offsets) if end <= _LONGEST else b""
    yield _head(0x7FE00010, "OB", _UNDEFINED) + _ITEM + struct.pack("<L", len(table)) + table
    for frame in frames:
        if frame.length > _LONGEST:
            raise MalformedMetadata(f"a compressed frame of {frame.length} bytes")
        yield _ITEM + struct.pack("<L", frame.length + frame.length % 2)
        yield frame
        if frame.length % 2:
            yield b"\0"
    yield _SEQUENCE_END


def _head(tag: int, vr: str, length: int) -> bytes:
    if length > _LONGEST_SHORT and vr not in LONG_FORM:
        vr = "UN"
    if length > _LONGEST and length != _UNDEFINED:
        raise MalformedMetadata(f"{_name(tag)} with {length} bytes, which no element can hold")
    group_and_vr = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode("ascii"))
    return group_and_vr + (
        struct.pack("<HL", 0, length) if vr in LONG_FORM else struct.pack("<H", length)
    )


def _tag(name: str) -> int:
    try:
        tag = int(name, 16) if len(name) == 8 and name.isalnum() else -1
    except ValueError:
        tag = -1
    if tag < 0 or tag >> 16 == 0xFFFE:
        raise MalformedMetadata(f"an attribute named {name[:16]!r}, not by a tag such as 00080018")
    return tag


def _checked_vr(tag: int, element: Any) -> str:
    if not isinstance(element, dict):
        raise MalformedMetadata(f"{_name(tag)} that is no object with a `vr`")
    vr = element.get("vr")
    if not isinstance(vr, str) or vr not in KNOWN:
        raise MalformedMetadata(f"{_name(tag)} without a `vr` of PS3.5 6.2")
    if len(element) > 2 or not all(name == "vr" or name in _CONTENTS for name in element):
        raise MalformedMetadata(
            f"{_name(tag)} with more than `vr` and one of Value, BulkDataURI, InlineBinary"
        )
    return vr


def _values(tag: int, element: Json) -> list[Any]:
    values = element.get("Value", [])
    if "InlineBinary" in element or not isinstance(values, list):
        raise MalformedMetadata(f"{_name(tag)} whose Value is no array")
    return values


def _inline(tag: int, vr: str, element: Json) -> bytes:
    inline = element.get("InlineBinary", "")
    if "Value" in element or not isinstance(inline, str):
        raise MalformedMetadata(f"{_name(tag)} of VR {vr} that is not InlineBinary in Base64")
    try:
        value = base64.b64decode("".join(inline.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedMetadata(f"{_name(tag)} with InlineBinary that is no Base64") from error
    size = struct.calcsize(BINARY[vr])
    if len(value) % size:
        raise MalformedMetadata(f"{_name(tag)} of VR {vr} with {len(value)} bytes")
    return value


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.length


def _name(tag: int) -> str:
    return f"{tag:08X}"

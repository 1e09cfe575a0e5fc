"""Writing a coercion into an encoded instance; all that it does not touch stays byte for byte."""

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from standards.coercion import ORIGINAL_ATTRIBUTES, Coercion
from standards.elements import EXPLICIT, IMPLICIT, Buffer, Extent, Form, Scope, Walker
from standards.json_values import encoded_values, padding
from standards.limits import Limits
from standards.part10 import Header, form_of
from standards.vrs import LONG_FORM

_SEQUENCE = int(ORIGINAL_ATTRIBUTES, 16)
_DELIMITER = 8  # bytes of the one that ends a sequence
_ITEM = 0xFFFEE000

Edit = tuple[int, int, bytes]  # what lies from byte to byte becomes these bytes


def spliced(content: Buffer, header: Header, coercion: Coercion) -> Iterator[bytes | slice]:
    """The data set in pieces: bytes that are new, and slices of `content` that are as they were.

    header:  of these bytes, whose data set is not deflated. New values are ASCII, which every
    Specific Character Set has. Lengths of the groups that change are left out: they are retired
    (PS3.5 7.2), and would be wrong now.
    """
    copied = header.data_set_offset
    for start, end, new in sorted(_edits(content, header, coercion)):
        yield slice(copied, start)
        yield new
        copied = end
    yield slice(copied, len(content))


def _edits(content: Buffer, header: Header, coercion: Coercion) -> Iterator[Edit]:
    form = form_of(header.transfer_syntax_uid) or EXPLICIT
    tags = {_SEQUENCE, *(int(tag, 16) for tag in coercion.changed)}
    there, places, lengths = _places(content, header, form, tags)
    for tag in tags:
        extent = there.get(tag)
        start, end = (extent.start, extent.end) if extent else (places[tag], places[tag])
        if tag == _SEQUENCE:
            yield start, end, _with_item(content, extent, coercion.item, form)
        else:
            yield start, end, _element(tag, coercion.changed[f"{tag:08X}"], form)
    for extent in lengths:
        yield extent.start, extent.end, b""


def _places(
    content: Buffer, header: Header, form: Form, tags: set[int]
) -> tuple[dict[int, Extent], dict[int, int], list[Extent]]:
    """Of these tags: where they lie, or where they belong; and the lengths of their groups."""
    groups = {tag & 0xFFFF0000 for tag in tags}
    expected = {tag for tag in tags if tag in header.dataset}
    there: dict[int, Extent] = {}
    places: dict[int, int] = {}
    lengths: list[Extent] = []
    start = end = header.data_set_offset
    walker = Walker(content, start, Limits(leave_bulk=True))
    for extent in walker.extents(start, Scope(len(content), form)):
        for tag in tags - places.keys():
            if extent.tag > tag:
                places[tag] = extent.start
        if extent.tag in tags:
            there[extent.tag] = extent
        elif extent.tag in groups:
            lengths.append(extent)
        end = extent.end
        if len(places) == len(tags) and expected <= there.keys():
            break
    return there, {tag: places.get(tag, end) for tag in tags}, lengths


def _with_item(
    content: Buffer, extent: Extent | None, item: Mapping[str, Any], form: Form
) -> bytes:
    """Original Attributes Sequence with one more item. Within UN, all is implicit (PS3.5 6.2.2)."""
    if extent is None:
        return _head(_SEQUENCE, "SQ", len(new := _item(item, form)), form) + new
    vr = "UN" if extent.is_un else "SQ"
    before = content[extent.value_at : extent.end - (_DELIMITER if extent.delimited else 0)]
    items = before + _item(item, IMPLICIT if extent.is_un and form.little else form)
    return _head(_SEQUENCE, vr, len(items), form) + items


def _item(attributes: Mapping[str, Any], form: Form) -> bytes:
    content = b"".join(
        _element(int(tag, 16), element, form) for tag, element in sorted(attributes.items())
    )
    return _item_head(len(content), form) + content


def _element(tag: int, element: Mapping[str, Any], form: Form) -> bytes:
    vr, values = element["vr"], element.get("Value", [])
    if vr == "SQ":
        value = b"".join(_item(item, form) for item in values)
    else:
        value = encoded_values(tag, vr, values)
        value += padding(vr) if len(value) % 2 else b""
    return _head(tag, vr, len(value), form) + value


def _head(tag: int, vr: str, length: int, form: Form) -> bytes:
    order = "<" if form.little else ">"
    if form.implicit:
        return struct.pack(f"{order}HHL", tag >> 16, tag & 0xFFFF, length)
    written = "HL" if vr in LONG_FORM else "H"
    lengths = (0, length) if vr in LONG_FORM else (length,)
    return struct.pack(f"{order}HH2s{written}", tag >> 16, tag & 0xFFFF, vr.encode(), *lengths)


def _item_head(length: int, form: Form) -> bytes:
    return struct.pack("<HHL" if form.little else ">HHL", _ITEM >> 16, _ITEM & 0xFFFF, length)

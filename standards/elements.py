"""Walking the elements of an encoded data set: PS3.5 7, with every length checked.

The walker is our own, since bytes from outside decide how deep a reader recurses and how much it
reads. What it makes are pydicom's elements and data sets, values still raw.
"""

import mmap
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from standards.errors import HeaderTooLarge, NotDicom
from standards.limits import ELEMENT, FRAGMENT, ITEM, SMALL, SMALLEST_LEFT, Left, Limits, memory_of
from standards.vrs import BINARY, FLOATS, INTEGERS, LONG_FORM, TEXTS

Buffer = bytes | mmap.mmap

DEEPEST_NESTING = 64  # sequences within sequences; real content trees stay under 20
PIXEL_DATA = {0x7FE00008: "OF", 0x7FE00009: "OD", 0x7FE00010: "OW"}  # and VR in implicit VR

_UNDEFINED = 0xFFFFFFFF
_CHARACTER_SET = 0x00080005
_LONGEST_TERMS = 1 << 16  # bytes of Specific Character Set
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_ITEM_BEGINS = b"\xfe\xff\x00\xe0"
_SPECIAL = frozenset((0, _CHARACTER_SET, _ITEM, _ITEM_END, _SEQUENCE_END, *PIXEL_DATA))
_SHORT_FORM = {  # PS3.5 7.1.2
    vr.encode(): vr for vr in (TEXTS | INTEGERS.keys() | FLOATS.keys() | {"AT"}) - LONG_FORM
}
_LONG_FORM = frozenset(vr.encode() for vr in LONG_FORM)


@dataclass(frozen=True, slots=True)
class PixelData:
    """Where the pixel data element lies. `offset` counts from the start of the data set.

    length: bytes of the value; for encapsulated fragments, up to their end delimiter included.
    """

    tag: int
    vr: str
    offset: int
    length: int
    encapsulated: bool


_CHARACTER_SET_TAG = BaseTag(_CHARACTER_SET)
_DEFAULT_ENCODING = ["iso8859"]
_Elements = dict[BaseTag, RawDataElement | DataElement]


class Form(NamedTuple):
    """How elements are written: PS3.5 7.1 and 7.3."""

    implicit: bool
    little: bool
    explicit: Callable[[Buffer, int], tuple]  # group, element, VR, short length
    long_length: Callable[[Buffer, int], tuple]
    tag_and_length: Callable[[Buffer, int], tuple]  # group, element, length


def _form(implicit: bool, little: bool) -> Form:
    order = "<" if little else ">"
    return Form(
        implicit,
        little,
        struct.Struct(order + "HH2sH").unpack_from,
        struct.Struct(order + "L").unpack_from,
        struct.Struct(order + "HHL").unpack_from,
    )


IMPLICIT = _form(implicit=True, little=True)
EXPLICIT = _form(implicit=False, little=True)
BIG_ENDIAN = _form(implicit=False, little=False)


def is_vr(two: bytes) -> bool:
    return len(two) == 2 and two.isalpha() and two.isupper()


class Scope(NamedTuple):
    """The stretch of bytes that one data set, or one item, may take."""

    end: int
    form: Form
    depth: int = 0
    encoding: list[str] = _DEFAULT_ENCODING
    delimited: bool = False  # of undefined length: ends with its own delimiter
    only_group: int | None = None


class Extent(NamedTuple):
    """One element as it lies in its buffer. delimited: its value ends with a delimiter."""

    tag: int
    start: int
    value_at: int
    end: int
    delimited: bool
    is_un: bool


class _Head(NamedTuple):
    """One element without its value. form: how its value is written, not always as its scope."""

    tag: int
    vr: str | None
    length: int
    value_at: int
    form: Form

    @property
    def name(self) -> str:
        return f"({self.tag >> 16:04X},{self.tag & 0xFFFF:04X})"


class Walker:
    """Walks the elements of one buffer and notes the pixel data at the top level."""

    def __init__(self, data: Buffer, data_set_offset: int, limits: Limits = Limits()) -> None:
        self._data = data
        self._size = len(data)
        self._data_set_offset = data_set_offset
        self._limits = limits
        self._room = limits.memory
        self.pixel_data: PixelData | None = None
        self.left: list[Left] = []

    def data_set(self, position: int, scope: Scope) -> tuple[Dataset, int]:
        """The data set that begins at `position`, and where it ends."""
        elements, position = self._elements(position, scope)
        charset = elements.get(_CHARACTER_SET_TAG)
        encoding = scope.encoding
        if isinstance(charset, RawDataElement):
            encoding = _encodings(charset.value)
        dataset = Dataset(elements, parent_encoding=scope.encoding)
        dataset.set_original_encoding(scope.form.implicit, scope.form.little, encoding)
        return dataset, position

    def extents(self, position: int, scope: Scope) -> Iterator[Extent]:
        """Where each element of a data set lies, up to its pixel data, if it is sound."""
        while position + 8 <= scope.end:
            head = self._head(position, scope.form)
            if head.tag == 0:
                return  # zeros after the data set
            self._check_length(head, scope)
            if head.tag in PIXEL_DATA:
                end = self._note_pixel_data(head)
            else:
                _, end = self._element(head, scope)
            is_un = head.vr == "UN"
            delimited = head.length == _UNDEFINED
            yield Extent(head.tag, position, head.value_at, end, delimited, is_un)
            if head.tag in PIXEL_DATA:
                return
            position = end

    def _elements(self, position: int, scope: Scope) -> tuple[_Elements, int]:
        found: _Elements = {}
        while position + 8 <= scope.end:
            position = self._small_elements(position, scope, found)
            if position + 8 > scope.end:
                break
            head = self._head(position, scope.form)
            if head.tag == _ITEM_END and scope.delimited:
                return found, head.value_at
            if scope.only_group not in (None, head.tag >> 16):
                return found, position
            if head.tag == 0 and not any(self._data[position : position + 64]):
                return found, scope.end  # zeros after the data set
            self._check_length(head, scope)
            self._charge(ELEMENT)
            if scope.depth == 0 and head.tag in PIXEL_DATA:
                position = self._note_pixel_data(head)
                continue
            if head.tag == _CHARACTER_SET:
                scope = self._in_its_encoding(head, scope)
            element, position = self._element(head, scope)
            found[element.tag] = element
        if scope.delimited or (scope.depth and position < scope.end):
            raise NotDicom(f"a sequence item that is never closed, at byte {position}")
        return found, position

    def _small_elements(self, position: int, scope: Scope, found: _Elements) -> int:
        """The run of small plain elements that begins here: most of any header.

        The first that needs a second look ends it, and is left to `_elements`.
        """
        if scope.only_group is not None:
            return position
        run = self._small_implicit if scope.form.implicit else self._small_explicit
        return run(position, scope, found, self._room // ELEMENT)

    def _small_explicit(self, position: int, scope: Scope, found: _Elements, most: int) -> int:
        data, end, little, read, number = (
            self._data,
            scope.end,
            scope.form.little,
            scope.form.explicit,
            0,
        )
        while position + 8 <= end and number < most:
            group, element, vr, length = read(data, position)
            name, tag, at = _SHORT_FORM.get(vr), group << 16 | element, position + 8
            if name is None or length > SMALL or tag in _SPECIAL or at + length > end:
                break
            position, key, number = at + length, BaseTag(tag), number + 1
            found[key] = RawDataElement(key, name, length, data[at:position], at, False, little)
        self._room -= number * ELEMENT
        return position

    def _small_implicit(self, position: int, scope: Scope, found: _Elements, most: int) -> int:
        data, end, read, number = self._data, scope.end, scope.form.tag_and_length, 0
        while position + 8 <= end and number < most:
            group, element, length = read(data, position)
            tag, at = group << 16 | element, position + 8
            value = data[at : at + length] if length <= SMALL else _ITEM_BEGINS
            if tag in _SPECIAL or at + length > end or value[:4] == _ITEM_BEGINS:
                break
            position, key, number = at + length, BaseTag(tag), number + 1
            found[key] = RawDataElement(key, None, length, value, at, True, True)
        self._room -= number * ELEMENT
        return position

    def _in_its_encoding(self, head: _Head, scope: Scope) -> Scope:
        value = self._data[head.value_at : head.value_at + min(head.length, _LONGEST_TERMS)]
        return scope._replace(encoding=_encodings(value))

    def _head(self, position: int, form: Form) -> _Head:
        if form.implicit:
            group, element, length = form.tag_and_length(self._data, position)
            return _Head(group << 16 | element, None, length, position + 8, form)
        group, element, vr, length = form.explicit(self._data, position)
        tag = group << 16 | element
        if group == 0xFFFE or not is_vr(vr):
            # Delimiters have no VR; and some writers fall into implicit VR within a file.
            _, _, length = form.tag_and_length(self._data, position)
            fallen = IMPLICIT if form.little else form
            return _Head(tag, None, length, position + 8, fallen)
        if vr in _LONG_FORM:
            (length,) = form.long_length(self._data, position + 8)
            return _Head(tag, vr.decode("ascii"), length, position + 12, form)
        return _Head(tag, vr.decode("ascii"), length, position + 8, form)

    def _check_length(self, head: _Head, scope: Scope) -> None:
        if head.length != _UNDEFINED and head.value_at + head.length > scope.end:
            raise NotDicom(
                f"{head.name} at byte {head.value_at} claims {head.length} bytes "
                f"but {scope.end - head.value_at} are left"
            )

    def _element(self, head: _Head, scope: Scope) -> tuple[RawDataElement | DataElement, int]:
        if self._is_sequence(head):
            items, end = self._items(head, scope)
            return DataElement(BaseTag(head.tag), "SQ", Sequence(items)), end
        undefined = head.length == _UNDEFINED  # encapsulated, such as the image of an icon
        end = self._end_of_fragments(head) if undefined else head.value_at + head.length
        value = self._value(head, end)
        form = head.form
        raw = RawDataElement(
            BaseTag(head.tag),
            head.vr,
            head.length,
            value,
            head.value_at,
            form.implicit,
            form.little,
        )
        return raw, end

    def _value(self, head: _Head, end: int) -> bytes:
        length = end - head.value_at
        if length > SMALL:
            vr = head.vr or _dictionary_vr(head.tag)
            bulk = vr in BINARY or "OW" in vr
            if bulk and self._limits.leave_bulk and length >= SMALLEST_LEFT:
                self.left.append(Left.at(head.value_at, length))
                return self.left[-1]
            self._charge(length)
            value = self._data[head.value_at : end]
            self._charge(memory_of(vr, value))
            return value
        return self._data[head.value_at : end]

    def _charge(self, memory: int) -> None:
        self._room -= memory
        if self._room < 0:
            raise HeaderTooLarge(self._limits.memory)

    def _is_sequence(self, head: _Head) -> bool:
        if head.vr not in (None, "UN"):
            return head.vr == "SQ"
        if head.length == _UNDEFINED:
            return True
        begins = self._data[head.value_at : head.value_at + 4]
        return begins == _ITEM_BEGINS and head.length > 0 and _is_known_sequence(head.tag)

    def _items(self, head: _Head, outer: Scope) -> tuple[list[Dataset], int]:
        depth = outer.depth + 1
        if depth > DEEPEST_NESTING:
            raise NotDicom(f"sequences nested more than {DEEPEST_NESTING} deep")
        form = IMPLICIT if head.vr == "UN" and head.form.little else head.form  # PS3.5 6.2.2
        undefined = head.length == _UNDEFINED
        position = head.value_at
        end = outer.end if undefined else position + head.length
        items: list[Dataset] = []
        while position + 8 <= end:
            item = self._item_head(position, form)
            if item.tag == _SEQUENCE_END:
                return items, item.value_at
            if item.tag != _ITEM:
                raise NotDicom(f"{item.name} where an item of {head.name} should begin")
            delimited = item.length == _UNDEFINED
            scope = Scope(
                end if delimited else item.value_at + item.length,
                form,
                depth,
                outer.encoding,
                delimited,
            )
            if scope.end > end:
                raise NotDicom(f"an item of {item.length} bytes that outgrows {head.name}")
            self._charge(ITEM)
            dataset, position = self.data_set(item.value_at, scope)
            items.append(dataset)
        if undefined:
            raise NotDicom(f"the sequence {head.name} is never closed")
        return items, end

    def _item_head(self, position: int, form: Form) -> _Head:
        group, element, length = form.tag_and_length(self._data, position)
        return _Head(group << 16 | element, None, length, position + 8, form)

    def _note_pixel_data(self, head: _Head) -> int:
        encapsulated = head.length == _UNDEFINED
        end = self._end_of_fragments(head) if encapsulated else head.value_at + head.length
        self.pixel_data = PixelData(
            head.tag,
            head.vr or PIXEL_DATA[head.tag],
            head.value_at - self._data_set_offset,
            end - head.value_at,
            encapsulated,
        )
        return end

    def _end_of_fragments(self, head: _Head) -> int:
        """Where encapsulated pixel data end (PS3.5 A.4), hopping from fragment to fragment."""
        position = head.value_at
        while position + 8 <= self._size:
            item = self._item_head(position, head.form)
            if item.tag == _SEQUENCE_END:
                return item.value_at
            if item.tag != _ITEM:
                raise NotDicom(f"{item.name} among the fragments of {head.name}")
            self._charge(FRAGMENT)
            position = item.value_at + item.length
        raise NotDicom(f"fragments of {head.name} that are cut off")


def _is_known_sequence(tag: int) -> bool:
    return _dictionary_vr(tag) == "SQ"


def _dictionary_vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def _encodings(specific_character_set: bytes | None) -> list[str]:
    """Python's names of the character sets, PS3.3 C.12.1.1.2; unknown ones become the default."""
    terms = (specific_character_set or b"").decode("ascii", "replace").split("\\")
    try:
        return list(convert_encodings([term.strip(" \0") for term in terms]))
    except LookupError:
        return ["iso8859"]

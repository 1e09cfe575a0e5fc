"""Where each frame of pixel data lies: PS3.5 8.1.1 (native) and A.4 (encapsulated)."""

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from pydicom import Dataset

from standards.elements import Buffer, PixelData

_SEQUENCE_END = 0xFFFEE0DD
_CODE_STREAM_END = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
_FLOAT_BITS = {0x7FE00008: 32, 0x7FE00009: 64}
ItemHead = struct.Struct("<HHL")


class Span(NamedTuple):
    """A stretch of a buffer, bytes."""

    offset: int
    length: int


class FramesUnclear(ValueError):
    """Pixel data of which nobody can say where their frames begin; the message says why."""


@dataclass(frozen=True, slots=True)
class NativeFrames:
    """Frames of equal size one after another, without a gap even within a byte.

    offset, length: of the whole value. bits: of one frame.
    """

    offset: int
    length: int
    bits: int

    @property
    def found(self) -> int:
        """How many frames are there, whatever Number of Frames says."""
        return self.length * 8 // self.bits

    def spans(self, number: int) -> tuple[Span, ...]:
        """The bytes that hold frame `number`, from 1; a few bits of its neighbours may be there."""
        first, last = (number - 1) * self.bits, number * self.bits
        return (Span(self.offset + first // 8, (last + 7) // 8 - first // 8),)

    def first_bit(self, number: int) -> int:
        """Where the frame begins in the first byte of its span, from the lowest bit."""
        return (number - 1) * self.bits % 8


@dataclass(frozen=True, slots=True)
class EncapsulatedFrames:
    """Frames of one or more fragments each.

    offsets, lengths: of all fragments. firsts: of each frame its first fragment, and at last how
    many fragments there are.
    """

    offsets: Sequence[int]
    lengths: Sequence[int]
    firsts: Sequence[int]

    @property
    def found(self) -> int:
        return len(self.firsts) - 1

    def spans(self, number: int) -> tuple[Span, ...]:
        """The fragments of frame `number`, from 1, in order."""
        place = range(self.firsts[number - 1], self.firsts[number])
        return tuple(Span(self.offsets[at], self.lengths[at]) for at in place)


Frames = NativeFrames | EncapsulatedFrames


def bits_of_frame(dataset: Dataset, tag: int) -> int:
    """PS3.3 C.7.6.3: pixels, samples and bits allocated. tag: of the pixel data element.

    Raises ValueError, TypeError or OverflowError for a description that makes no sense.
    """
    samples = int(dataset.get("SamplesPerPixel") or 1)
    if dataset.get("PhotometricInterpretation") == "YBR_FULL_422":
        samples = 2  # two pixels share their chroma, PS3.3 C.7.6.3.1.2
    pixels = int(dataset.get("Rows") or 0) * int(dataset.get("Columns") or 0)
    return pixels * samples * bits_allocated(dataset, tag)


def bits_allocated(dataset: Dataset, tag: int) -> int:
    return int(dataset.get("BitsAllocated") or _FLOAT_BITS.get(tag, 8))


def encapsulated_frames(
    content: Buffer, start: int, element: PixelData, number_of_frames: int, dataset: Dataset
) -> EncapsulatedFrames:
    """Tell the frames of encapsulated pixel data apart.

    start: where the data set begins in `content`. dataset: for the Extended Offset Table.
    The Extended or the Basic Offset Table decides where it fits the fragments. Where there is
    none, or it is wrong: one frame has them all, or each frame one, or a frame ends with the
    fragment that holds the end of its code stream. Raises FramesUnclear when nothing of that fits.
    """
    table, fragments = _items(content, start + element.offset, element.length)
    by_table = _placed(_unsigned("I", table), fragments)
    for firsts, lengths in (
        _by_extended_table(dataset, fragments, number_of_frames),
        (by_table if len(by_table) >= number_of_frames else [], None),
        (_by_counting(fragments, number_of_frames), None),
        (_by_code_streams(content, fragments, number_of_frames), None),
        (by_table, None),  # fewer frames than promised, but these are told apart
    ):
        if firsts:
            return _frames(fragments, firsts, lengths)
    raise FramesUnclear(
        f"no offset table tells how {len(fragments)} fragment(s) make {number_of_frames} frame(s)"
    )


def _items(content: Buffer, position: int, length: int) -> tuple[bytes, list[Span]]:
    """The Basic Offset Table, the first item of them all, and the fragments (PS3.5 A.4)."""
    end, found = position + length, []
    while position + 8 <= end:
        group, element, size = ItemHead.unpack_from(content, position)
        if group << 16 | element == _SEQUENCE_END:
            break
        found.append(Span(position + 8, size))
        position += 8 + size
    if not found:
        return b"", []
    first, *fragments = found
    return content[first.offset : first.offset + first.length], fragments


def _by_extended_table(
    dataset: Dataset, fragments: Sequence[Span], frames: int
) -> tuple[list[int], Sequence[int] | None]:
    """The first fragment of each frame, and the lengths of frames without padding (PS3.5 A.4)."""
    offsets = _unsigned("Q", dataset.get("ExtendedOffsetTable"))
    lengths = _unsigned("Q", dataset.get("ExtendedOffsetTableLengths"))
    if not len(offsets) == len(lengths) == frames:
        return [], None
    firsts = _placed(offsets, fragments)
    fits = len(firsts) == len(fragments) and all(
        length <= fragment.length for length, fragment in zip(lengths, fragments, strict=True)
    )
    return (firsts, lengths) if fits else ([], None)


def _by_counting(fragments: Sequence[Span], frames: int) -> list[int]:
    if not fragments:
        return []
    if frames == 1:
        return [0]
    return list(range(frames)) if len(fragments) == frames else []


def _by_code_streams(content: Buffer, fragments: Sequence[Span], frames: int) -> list[int]:
    if len(fragments) < frames:
        return []
    firsts, begins = [], True
    for place, (offset, length) in enumerate(fragments):
        if begins:
            firsts.append(place)
        tail = content[max(offset, offset + length - 10) : offset + length]
        begins = _CODE_STREAM_END in tail
    return firsts if len(firsts) == frames else []


def _placed(offsets: Sequence[int], fragments: Sequence[Span]) -> list[int]:
    """The fragments that begin at these offsets from the first one; none if one does not fit."""
    if not fragments:
        return []
    base = fragments[0].offset
    begins = [fragment.offset - base for fragment in fragments]
    places = [bisect_left(begins, offset) for offset in offsets]
    fits = all(
        place < len(begins) and begins[place] == offset
        for place, offset in zip(places, offsets, strict=True)
    )
    ascending = all(one < following for one, following in pairwise(places))
    return places if fits and ascending and places[:1] == [0] else []


def _frames(
    fragments: Sequence[Span], firsts: Iterable[int], lengths: Sequence[int] | None
) -> EncapsulatedFrames:
    return EncapsulatedFrames(
        array("Q", (fragment.offset for fragment in fragments)),
        array("Q", lengths or (fragment.length for fragment in fragments)),
        array("Q", (*firsts, len(fragments))),
    )


def _unsigned(kind: str, value: bytes | None) -> Sequence[int]:
    """Little-endian whole numbers; none of a value that is cut off."""
    width = struct.calcsize(f"<{kind}")
    if not isinstance(value, bytes) or len(value) % width:
        return ()
    return struct.unpack(f"<{len(value) // width}{kind}", value)

"""The frames of one stored instance: as stored, uncompressed, or as arrays (PS3.5 8, A.4)."""

import zlib
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian
from pydicom.uid import ExplicitVRLittleEndian as EXPLICIT

from gateway.retrieve.codecs import FILMS, NATIVE
from gateway.retrieve.decoding import decoded_frame
from gateway.retrieve.errors import NoPixelData, NoSuchFrame, UnusablePixelData
from standards.elements import Buffer, PixelData
from standards.frames import (
    EncapsulatedFrames,
    Frames,
    FramesUnclear,
    NativeFrames,
    Span,
    bits_allocated,
    bits_of_frame,
    encapsulated_frames,
)
from standards.part10 import LARGEST_INFLATED, read_header

ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"
_VALUE = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData"}
# Image Pixel module, PS3.3 C.7.6.3: what a decoder must know of a frame.
_DESCRIPTION = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)
_PIECE = 1 << 20  # bytes
_OBJECTS = 8  # times the bytes of a header are what its Python objects take


class StoredPixels:
    """The pixel data of one instance. Frames are numbered from 1.

    content: the Part 10 file. It is kept, and read where a frame lies.
    Raises NotDicom, NoPixelData, and UnusablePixelData when nothing describes the frames.
    """

    def __init__(self, content: Buffer, sop_instance_uid: str) -> None:
        header = read_header(content)
        if header.pixel_data is None or "Rows" not in header.dataset:
            raise NoPixelData("instance", sop_instance_uid)
        self.dataset = header.dataset
        self._stored_syntax = header.transfer_syntax_uid
        self._element: PixelData = header.pixel_data
        self._size = len(content)
        self._deflated = self._stored_syntax == DeflatedExplicitVRLittleEndian
        self._check()
        self._content, self._start = content, header.data_set_offset
        if self._deflated:
            self._content, self._start = _inflated(content, header.data_set_offset), 0

    @property
    def frame_syntax(self) -> str:
        """The transfer syntax that `stored` frames are in.

        Pixel data that lie there uncompressed are given as such, whatever their file claims.
        """
        return self._stored_syntax if self.is_encapsulated else EXPLICIT

    @property
    def is_encapsulated(self) -> bool:
        """Whether stored frames are code streams."""
        return self._element.encapsulated and self._stored_syntax != ENCAPSULATED_UNCOMPRESSED

    @property
    def is_film(self) -> bool:
        """Whether one code stream holds all frames (PS3.5 8.2.5 and following)."""
        return self._stored_syntax in FILMS and self.number_of_frames > 1

    @cached_property
    def number_of_frames(self) -> int:
        return max(1, int(self.dataset.get("NumberOfFrames") or 1))

    @property
    def resident(self) -> int:
        """About how many bytes of memory this takes beside the content that it was made from."""
        header = (self._size - self._element.length) * _OBJECTS
        return len(self._content) + header if self._deflated else max(header, 0)

    def stored(self, number: int) -> bytes:
        """A frame as stored: one compressed code stream, or little-endian samples.

        A frame of single bits starts at the first bit of its first byte.
        Raises NoSuchFrame, UnusablePixelData.
        """
        spans = self._spans(number)
        if self._element.encapsulated:
            held = b"".join(self._content[at : at + length] for at, length in spans)
            return held if self.is_encapsulated else held[: self._bits // 8]  # without padding
        if self._swapped_words:
            return self._swapped(spans[0])
        ((at, length),) = spans
        held = self._content[at : at + length]
        return held if self._bits % 8 == 0 else self._shifted(held, number)

    def lies_at(self, number: int) -> tuple[Span, ...] | None:
        """Where in the file the bytes lie that `stored` gives; None where they must be made.

        Raises NoSuchFrame, UnusablePixelData.
        """
        if self.is_encapsulated:
            return self._spans(number)
        made = self._deflated or self._swapped_words or self._element.encapsulated
        return None if made or self._bits % 8 else self._spans(number)

    def array(self, number: int, *, raw: bool = False) -> np.ndarray:
        """A decoded frame, (rows, columns) or (rows, columns, samples); YBR as RGB unless `raw`.

        Raises NoSuchFrame, NotDecodable, UnusablePixelData.
        """
        frame = self.image(number)
        if self.is_encapsulated:
            return decoded_frame(frame, raw=raw)
        try:
            return get_decoder(EXPLICIT).as_array(frame, index=0, raw=raw)[0]
        except (ValueError, AttributeError, NotImplementedError) as error:
            raise UnusablePixelData(str(error)) from error

    def image(self, number: int) -> Dataset:
        """One frame as stored, as an image of its own, for pydicom's decoders and encoders.

        Raises NoSuchFrame, UnusablePixelData.
        """
        image = Dataset()
        for keyword in _DESCRIPTION:
            if self.dataset.get(keyword) is not None:
                setattr(image, keyword, self.dataset[keyword].value)
        image.NumberOfFrames = 1
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = UID(self.frame_syntax)
        frame = self.stored(number)
        if self.is_encapsulated:
            frame = encapsulate([frame], has_bot=False)
        setattr(image, self.keyword, frame)
        return image

    @property
    def value_length(self) -> int:
        """Bytes of what `value` gives."""
        if not self._element.encapsulated:
            return self._element.length
        return self.number_of_frames * (self._bits // 8)

    def value(self) -> Iterator[bytes]:
        """The whole value of uncompressed pixel data, little endian, in pieces."""
        if self._element.encapsulated:
            yield from (self.stored(number) for number in range(1, self.number_of_frames + 1))
            return
        begin, length = self._start + self._element.offset, self._element.length
        for at in range(0, length, _PIECE):
            span = Span(begin + at, min(_PIECE, length - at))
            if self._swapped_words:
                yield self._swapped(span)
            else:
                yield self._content[span.offset : span.offset + span.length]

    @property
    def keyword(self) -> str:
        """PixelData, FloatPixelData or DoubleFloatPixelData."""
        return _VALUE.get(self._element.tag, "PixelData")

    @property
    def path(self) -> str:
        """Of the pixel data in the metadata."""
        return f"{self._element.tag:08X}"

    def _check(self) -> None:
        """That what describes the frames can be read, and does not contradict itself."""
        try:
            numbers = (self._bits, self.number_of_frames)
        except (ValueError, TypeError, OverflowError) as error:
            raise UnusablePixelData(f"their description cannot be read ({error})") from error
        if min(numbers) < 1:
            raise UnusablePixelData("their description says that a frame has no pixels")
        if self.is_encapsulated and self._stored_syntax in NATIVE:
            found = f"compressed in a file of transfer syntax {self._stored_syntax}, which is not"
            raise UnusablePixelData(found)

    @cached_property
    def _bits(self) -> int:
        return bits_of_frame(self.dataset, self._element.tag)

    @cached_property
    def _frames(self) -> Frames:
        start, element = self._start, self._element
        if not element.encapsulated:
            return NativeFrames(start + element.offset, element.length, self._bits)
        try:
            count = 1 if self.is_film else self.number_of_frames
            return encapsulated_frames(self._content, start, element, count, self.dataset)
        except FramesUnclear as error:
            raise UnusablePixelData(str(error)) from error

    def _spans(self, number: int) -> tuple[Span, ...]:
        if not 1 <= number <= self.number_of_frames:
            raise NoSuchFrame(number, self.number_of_frames)
        frames = self._frames
        if number <= frames.found:
            return frames.spans(number)
        if isinstance(frames, EncapsulatedFrames):
            raise UnusablePixelData(f"{frames.found} of {self.number_of_frames} frames are there")
        raise UnusablePixelData(
            f"they end after {frames.length} bytes, before the end of frame {number}"
        )

    @property
    def _swapped_words(self) -> bool:
        return self._stored_syntax == ExplicitVRBigEndian and self._element.vr != "OB"

    def _swapped(self, span: Span) -> bytes:
        """Big-endian words as little-endian ones (PS3.5 7.3); a frame may begin within a word."""
        width = max(2, bits_allocated(self.dataset, self._element.tag) // 8)
        begin = self._start + self._element.offset
        first = (span.offset - begin) // width * width
        last = min(-(-(span.offset + span.length - begin) // width) * width, self._element.length)
        words = self._content[begin + first : begin + last - (last - first) % width]
        little = np.frombuffer(words, f">u{width}").astype(f"<u{width}").tobytes()
        cut = span.offset - begin - first
        return little[cut : cut + span.length]

    def _shifted(self, held: bytes, number: int) -> bytes:
        """PS3.5 8.1.1: frames of single bits follow one another without a gap."""
        assert isinstance(self._frames, NativeFrames)  # noqa: S101 (code streams have no bits)
        first = self._frames.first_bit(number)
        unpacked = np.unpackbits(np.frombuffer(held, np.uint8), bitorder="little")
        return np.packbits(unpacked[first : first + self._bits], bitorder="little").tobytes()


def _inflated(content: Buffer, offset: int) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[offset:], LARGEST_INFLATED)

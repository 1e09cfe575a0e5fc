"""The frames of one stored instance: as stored, uncompressed, or as arrays (PS3.5 8, A.4)."""

import zlib
from collections.abc import Mapping
from functools import cached_property

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from gateway.retrieve.decoding import decoded_frame
from gateway.retrieve.errors import NoPixelData, NoSuchFrame, UnusablePixelData
from standards.part10 import LARGEST_INFLATED, PixelData, read_header

NATIVE = frozenset(
    (
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        ExplicitVRBigEndian,
    )
)
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


def is_decodable(transfer_syntax_uid: str) -> bool:
    """Whether frames in this transfer syntax can be given uncompressed."""
    if transfer_syntax_uid in NATIVE:
        return True
    try:
        return get_decoder(UID(transfer_syntax_uid)).is_available
    except NotImplementedError:
        return False


class StoredPixels:
    """The pixel data of one instance. Frames are numbered from 1.

    Raises NoPixelData, and UnusablePixelData when the frames cannot be told apart.
    """

    def __init__(self, content: bytes, sop_instance_uid: str) -> None:
        header = read_header(content)
        if header.pixel_data is None or "Rows" not in header.dataset:
            raise NoPixelData("instance", sop_instance_uid)
        self.dataset = header.dataset
        self._stored_syntax = header.transfer_syntax_uid
        self.size = len(content)
        self._element: PixelData = header.pixel_data
        self._check()
        self._value = self._value_of(content, header.data_set_offset)

    @property
    def frame_syntax(self) -> str:
        """The transfer syntax that `stored` frames are in.

        Pixel data that lie there uncompressed are given as such, whatever their file claims.
        """
        return self._stored_syntax if self.is_encapsulated else ExplicitVRLittleEndian

    @property
    def is_encapsulated(self) -> bool:
        return self._element.encapsulated

    @cached_property
    def number_of_frames(self) -> int:
        return max(1, int(self.dataset.get("NumberOfFrames") or 1))

    def stored(self, number: int) -> bytes:
        """A frame as stored: one compressed code stream, or little-endian samples.

        A frame of single bits starts at the first bit of its first byte. Raises NoSuchFrame.
        """
        if not 1 <= number <= self.number_of_frames:
            raise NoSuchFrame(number, self.number_of_frames)
        return self._code_stream(number) if self.is_encapsulated else self._samples(number)

    def uncompressed(self, number: int) -> bytes:
        """A frame as Explicit VR Little Endian has it, ordered as Planar Configuration says.

        YBR_FULL_422 becomes RGB, since once decoded its chroma is no longer subsampled.
        Raises NoSuchFrame, NotDecodable.
        """
        if not self.is_encapsulated:
            return self.stored(number)
        subsampled = self.dataset.get("PhotometricInterpretation") == "YBR_FULL_422"
        frame = self.array(number, raw=not subsampled)
        if frame.ndim == 3 and self.dataset.get("PlanarConfiguration", 0) == 1:
            frame = frame.transpose(2, 0, 1)
        return frame.astype(frame.dtype.newbyteorder("<"), copy=False).tobytes()

    def array(self, number: int, *, raw: bool = False) -> np.ndarray:
        """A decoded frame, (rows, columns) or (rows, columns, samples); YBR as RGB unless `raw`.

        Raises NoSuchFrame, NotDecodable, UnusablePixelData.
        """
        frame = self._as_dataset(self.stored(number))
        if self.is_encapsulated:
            return decoded_frame(frame, raw=raw)
        try:
            return get_decoder(ExplicitVRLittleEndian).as_array(frame, index=0, raw=raw)[0]
        except (ValueError, AttributeError, NotImplementedError) as error:
            raise UnusablePixelData(str(error)) from error

    def pixel_value(self) -> bytes:
        """The whole value of native pixel data, little endian."""
        return bytes(self._value)

    def _check(self) -> None:
        """That what describes the frames can be read, and does not contradict itself."""
        try:
            numbers = (self._bits_of_frame, self.number_of_frames)
        except (ValueError, TypeError, OverflowError) as error:
            raise UnusablePixelData(f"their description cannot be read ({error})") from error
        if min(numbers) < 1:
            raise UnusablePixelData("their description says that a frame has no pixels")
        if self.is_encapsulated and self._stored_syntax in NATIVE:
            found = f"compressed in a file of transfer syntax {self._stored_syntax}, which is not"
            raise UnusablePixelData(found)

    def _as_dataset(self, frame: bytes) -> Dataset:
        """The one frame as an image of its own, for pydicom's decoders."""
        image = Dataset()
        for keyword in _DESCRIPTION:
            if self.dataset.get(keyword) is not None:
                setattr(image, keyword, self.dataset[keyword].value)
        image.NumberOfFrames = 1
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = UID(self.frame_syntax)
        if self.is_encapsulated:
            frame = encapsulate([frame], has_bot=False)
        setattr(image, _VALUE.get(self._element.tag, "PixelData"), frame)
        return image

    def _value_of(self, content: bytes, data_set_offset: int) -> memoryview | bytes:
        start = self._element.offset
        if self._stored_syntax == DeflatedExplicitVRLittleEndian:
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            content = inflater.decompress(content[data_set_offset:], LARGEST_INFLATED)
        else:
            start += data_set_offset
        value = memoryview(content)[start : start + self._element.length]
        if self._stored_syntax == ExplicitVRBigEndian and self._element.vr != "OB":
            return _swapped(value, max(2, self._bits_allocated // 8))
        return value

    @cached_property
    def _code_streams(self) -> list[bytes]:
        """The frames of encapsulated pixel data, joined from their fragments."""
        table = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
        offsets = tuple(self.dataset[keyword].value for keyword in table if keyword in self.dataset)
        try:
            return list(
                generate_frames(
                    bytes(self._value),
                    number_of_frames=self.number_of_frames,
                    extended_offsets=offsets if len(offsets) == 2 else None,
                )
            )
        except (ValueError, IndexError, OverflowError) as error:
            raise UnusablePixelData(str(error)) from error

    def _code_stream(self, number: int) -> bytes:
        if number > len(self._code_streams):
            found = f"{len(self._code_streams)} of {self.number_of_frames} frames are there"
            raise UnusablePixelData(found)
        return self._code_streams[number - 1]

    def _samples(self, number: int) -> bytes:
        bits = self._bits_of_frame
        first, last = (number - 1) * bits, number * bits
        if last > len(self._value) * 8:
            raise UnusablePixelData(
                f"they end after {len(self._value)} bytes, before the end of frame {number}"
            )
        if bits % 8 == 0:
            return bytes(self._value[first // 8 : last // 8])
        # PS3.5 8.1.1: frames of single bits follow one another without a gap.
        held = np.frombuffer(self._value[first // 8 : (last + 7) // 8], np.uint8)
        unpacked = np.unpackbits(held, bitorder="little")[first % 8 : first % 8 + bits]
        return np.packbits(unpacked, bitorder="little").tobytes()

    @property
    def _bits_of_frame(self) -> int:
        samples: int = self.dataset.get("SamplesPerPixel") or 1
        if self.dataset.get("PhotometricInterpretation") == "YBR_FULL_422":
            samples = 2  # two pixels share their chroma, PS3.3 C.7.6.3.1.2
        pixels = int(self.dataset.get("Rows") or 0) * int(self.dataset.get("Columns") or 0)
        return pixels * samples * self._bits_allocated

    @property
    def _bits_allocated(self) -> int:
        return int(self.dataset.get("BitsAllocated") or _FLOAT_BITS.get(self._element.tag, 8))


_FLOAT_BITS: Mapping[int, int] = {0x7FE00008: 32, 0x7FE00009: 64}


def _swapped(value: memoryview, width: int) -> bytes:
    """Big-endian words as little-endian ones."""
    whole = len(value) - len(value) % width
    return np.frombuffer(value[:whole], f">u{width}").astype(f"<u{width}").tobytes()

"""A Part 10 file rewritten in another transfer syntax, frame by frame (PS3.18 8.7.3, PS3.5 A).

However many frames there are, few of them are in memory at a time. The SOP Instance UID stays:
every sample is what it was.
"""

import struct
from collections.abc import Iterator
from functools import partial
from itertools import chain

import numpy as np
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from gateway.ahead import ahead
from gateway.retrieve.codec_processes import PROCESSES
from gateway.retrieve.codecs import Converted
from gateway.retrieve.decoding import converted_frame
from gateway.retrieve.errors import NoPixelData, NotDecodable, NotEncodable, UnusablePixelData
from gateway.retrieve.pixels import StoredPixels
from standards.elements import Buffer
from standards.errors import NotDicom
from standards.file_meta import file_head
from standards.part10 import Header, read_header

_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_LONGEST = 0xFFFFFFFE  # bytes of a native value, PS3.5 7.1.1
_UNDEFINED = 0xFFFFFFFF
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
_OFFSET_TABLES = (0x7FE00001, 0x7FE00002, 0x7FE00003)  # of the code streams as they were
_LAST_TAG = 0xFFFFFFFF


def transcoded(content: Buffer, sop_instance_uid: str, transfer_syntax_uid: str) -> Iterator[bytes]:
    """The same instance in pieces; the first one comes when the first frame is converted.

    transfer_syntax_uid: Explicit VR Little Endian, or one of gateway.retrieve.codecs.ENCODABLE.
    An instance without an image can only be had in the former.
    Raises NotDecodable, NotEncodable, UnusablePixelData.
    """
    header = _header(content)
    dataset, element = header.dataset, header.pixel_data
    if element is None:
        if transfer_syntax_uid != ExplicitVRLittleEndian:
            raise NotEncodable(transfer_syntax_uid, "it has no pixel data")
        yield from _file(dataset, transfer_syntax_uid, _LAST_TAG, iter(()))
        return
    try:
        pixels = StoredPixels(content, sop_instance_uid)
    except NoPixelData as error:  # a value, but nothing that would make it an image
        raise NotDecodable(header.transfer_syntax_uid, str(error)) from error
    if pixels.is_encapsulated or transfer_syntax_uid != ExplicitVRLittleEndian:
        value = _converted_value(dataset, pixels, transfer_syntax_uid)
    else:
        head = _head(element.tag, element.vr, _even(pixels.value_length))
        value = chain([head], pixels.value(), [b"\0" * (pixels.value_length % 2)])
    yield from _file(dataset, transfer_syntax_uid, element.tag, value)


def converted(pixels: StoredPixels, transfer_syntax_uid: str) -> Iterator[Converted]:
    """Every frame in order, a few being converted at a time. Raises as converted_frame does."""

    def job(number: int) -> Converted:
        return converted_frame(pixels.image(number), transfer_syntax_uid)

    numbers = range(1, pixels.number_of_frames + 1)
    return ahead((partial(job, number) for number in numbers), PROCESSES, PROCESSES + 1)


def _header(content: Buffer) -> Header:
    try:
        header = read_header(content)
    except NotDicom as error:
        raise UnusablePixelData(str(error)) from error
    if header.transfer_syntax_uid == ExplicitVRBigEndian:
        header.dataset.walk(_swap_words)
    return header


def _file(
    dataset: Dataset, transfer_syntax_uid: str, pixel_tag: int, value: Iterator[bytes]
) -> Iterator[bytes]:
    """value: the element of the pixel data, from its tag on. What is sorted after it follows."""
    first = next(value, b"")  # before anything is said, so that what fails there has a status
    after = [dataset[tag] for tag in sorted(dataset.keys()) if tag > pixel_tag]
    for element in after:
        del dataset[element.tag]
    try:
        before = _before(dataset, transfer_syntax_uid)
    except Exception as error:  # pydicom's writer has no error of its own
        raise NotEncodable(transfer_syntax_uid, f"{type(error).__name__}: {error}") from error
    yield before
    yield first
    yield from value
    if after:
        yield _after(after, dataset)


def _before(dataset: Dataset, transfer_syntax_uid: str) -> bytes:
    head = file_head(transfer_syntax_uid, str(dataset.SOPClassUID), str(dataset.SOPInstanceUID))
    written = _explicit()
    write_dataset(written, dataset)
    return head + written.getvalue()


def _after(elements: list[DataElement], dataset: Dataset) -> bytes:
    written = _explicit()
    for element in elements:
        write_data_element(written, element, dataset.get("SpecificCharacterSet"))
    return written.getvalue()


def _explicit() -> DicomBytesIO:
    written = DicomBytesIO()
    written.is_implicit_VR, written.is_little_endian = False, True
    return written


def _converted_value(
    dataset: Dataset, pixels: StoredPixels, transfer_syntax_uid: str
) -> Iterator[bytes]:
    """The element of the pixel data, and in the data set what follows from it."""
    frames = converted(pixels, transfer_syntax_uid)
    first = next(frames)
    dataset.PhotometricInterpretation = first.photometric_interpretation
    if first.planar_configuration is not None:
        dataset.PlanarConfiguration = first.planar_configuration
    for tag in _OFFSET_TABLES:
        if tag in dataset:
            del dataset[tag]
    every = (one.frame for one in chain([first], frames))
    if transfer_syntax_uid != ExplicitVRLittleEndian:
        return _fragments(every)
    length = len(first.frame) * pixels.number_of_frames
    if length > _LONGEST:
        raise NotEncodable(transfer_syntax_uid, f"{length} bytes of pixels are too many for it")
    vr = "OW" if dataset.BitsAllocated > 8 else "OB"
    head = _head(0x7FE00010, vr, _even(length))
    return chain([head], _equally_long(every, len(first.frame)), [b"\0" * (length % 2)])


def _equally_long(frames: Iterator[bytes], length: int) -> Iterator[bytes]:
    for frame in frames:
        if len(frame) != length:
            raise UnusablePixelData(f"frames of {len(frame)} and of {length} bytes")
        yield frame


def _fragments(frames: Iterator[bytes]) -> Iterator[bytes]:
    """Encapsulated, one fragment a frame, with an empty offset table: PS3.5 A.4."""
    yield _head(0x7FE00010, "OB", _UNDEFINED) + _ITEM + bytes(4)
    for frame in frames:
        yield _ITEM + struct.pack("<L", _even(len(frame)))
        yield frame + b"\0" * (len(frame) % 2)
    yield _END


def _head(tag: int, vr: str, length: int) -> bytes:
    return struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, vr.encode("ascii"), 0, length)


def _even(length: int) -> int:
    return length + length % 2


def _swap_words(_: Dataset, element: DataElement) -> None:
    """Words of binary values; pydicom swaps numbers by itself, but not these (PS3.5 7.3)."""
    width = _WORDS.get(element.VR)
    if width and isinstance(element.value, bytes) and len(element.value) % width == 0:
        words = np.frombuffer(element.value, f">u{width}")
        element.value = words.astype(f"<u{width}").tobytes()

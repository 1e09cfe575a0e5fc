"""One DICOM Part 10 file: its header read, its pixel data left where it is (PS3.10 7)."""

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from standards.elements import (
    BIG_ENDIAN,
    EXPLICIT,
    IMPLICIT,
    PIXEL_DATA,
    Buffer,
    Form,
    PixelData,
    Scope,
    Walker,
    is_vr,
)
from standards.errors import NotDicom
from standards.limits import Left, Limits

__all__ = [
    "LARGEST_INFLATED",
    "PIXEL_DATA",
    "Buffer",
    "Header",
    "PixelData",
    "read_header",
]

LARGEST_INFLATED = 256 << 20  # of a deflated data set, bytes
_PIECE = 256 << 10  # of a deflated data set, bytes at a time

Scratch = Callable[[Iterator[bytes]], AbstractContextManager[Buffer]]


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """What a file says of itself, pixel data apart.

    data_set_offset: where the data set begins in the file, after the File Meta Information.
    left: values that were not read, as Limits may ask.
    """

    dataset: Dataset
    transfer_syntax_uid: str
    data_set_offset: int
    pixel_data: PixelData | None
    has_file_meta: bool
    left: tuple[Left, ...] = ()


def in_memory(pieces: Iterator[bytes]) -> AbstractContextManager[Buffer]:
    return nullcontext(b"".join(pieces))


def read_header(
    content: Buffer,
    limits: Limits | None = None,
    scratch: Scratch = in_memory,
) -> Header:
    """Read the header of one instance. Pixel data values stay unread.

    A file without preamble or File Meta Information is read as what its first element shows,
    explicit or implicit VR (PS3.10 7.1 asks for both, older devices leave them out).
    scratch: holds a deflated data set while it is read.
    Raises NotDicom when the bytes are no DICOM data set, end too early, nest deeper than
    DEEPEST_NESTING or inflate beyond the limit; HeaderTooLarge beyond the limit of memory.
    """
    limits = limits or Limits(inflated=LARGEST_INFLATED)
    try:
        return _read_header(content, limits, scratch)
    except NotDicom:
        raise
    except (struct.error, ValueError, LookupError, RecursionError) as error:
        raise NotDicom(f"elements that make no sense ({type(error).__name__})") from error


def _read_header(content: Buffer, limits: Limits, scratch: Scratch) -> Header:
    start = 132 if content[128:132] == b"DICM" else 0
    file_meta, data_set_offset = _file_meta(content, start)
    if data_set_offset >= len(content):
        raise NotDicom(f"{len(content)} bytes without a data set")
    transfer_syntax = str(file_meta.get("TransferSyntaxUID", "") or "")
    form = form_of(transfer_syntax) or _guessed(content, data_set_offset)
    if transfer_syntax == DeflatedExplicitVRLittleEndian:
        with scratch(inflated(content, data_set_offset, limits.inflated)) as data_set:
            walker = Walker(data_set, 0, limits)
            dataset, _ = walker.data_set(0, Scope(len(data_set), form))
    else:
        walker = Walker(content, data_set_offset, limits)
        dataset, _ = walker.data_set(data_set_offset, Scope(len(content), form))
    dataset.file_meta = FileMetaDataset(file_meta)
    return Header(
        dataset,
        transfer_syntax or _uid_of(form),
        data_set_offset,
        walker.pixel_data,
        has_file_meta=bool(transfer_syntax) and start == 132,
        left=tuple(walker.left),
    )


def _file_meta(content: Buffer, start: int) -> tuple[Dataset, int]:
    """The File Meta Information (PS3.10 7.1), empty if there is none, and where it ends."""
    walker = Walker(content, start)
    for form in (EXPLICIT, IMPLICIT):  # implicit is wrong, and met in old files
        try:
            meta, end = walker.data_set(start, Scope(len(content), form, only_group=2))
            str(meta.get("TransferSyntaxUID", ""))
        except (NotDicom, NotImplementedError, struct.error):
            continue
        return meta, end
    return Dataset(), start


def form_of(transfer_syntax: str) -> Form | None:
    """How the elements of a transfer syntax are written; of one unknown, explicit little endian."""
    if not transfer_syntax:
        return None
    if transfer_syntax == ImplicitVRLittleEndian:
        return IMPLICIT
    return BIG_ENDIAN if transfer_syntax == ExplicitVRBigEndian else EXPLICIT


def _uid_of(form: Form) -> str:
    if form.implicit:
        return "1.2.840.10008.1.2"
    return "1.2.840.10008.1.2.1" if form.little else "1.2.840.10008.1.2.2"


def _guessed(content: Buffer, position: int) -> Form:
    """How a data set without a transfer syntax is written, from its first element."""
    head = content[position : position + 8]
    if len(head) == 8:
        explicit = is_vr(head[4:6])
        for form in (EXPLICIT, BIG_ENDIAN) if explicit else (IMPLICIT,):
            group, _, length = form.tag_and_length(head, 0)
            if 0 < group <= 0x0010 and (explicit or length < len(content)):
                return form
    raise NotDicom("neither the DICM prefix nor a first element of a data set")


def inflated(content: Buffer, offset: int, largest: int) -> Iterator[bytes]:
    """The deflated data set in pieces, PS3.5 A.5. Raises NotDicom beyond `largest` bytes."""
    inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    for start in range(offset, len(content), _PIECE):
        for piece in _inflated_from(inflater, content[start : start + _PIECE]):
            size += len(piece)
            if size > largest:
                raise NotDicom(f"a deflated data set of more than {largest} bytes")
            yield piece
    if not inflater.eof:
        raise NotDicom(f"a deflated data set that breaks off after {size} bytes")


def _inflated_from(inflater: "zlib._Decompress", deflated: bytes) -> Iterator[bytes]:
    """All that these bytes inflate to, never more than _PIECE at once."""
    while not inflater.eof:
        try:
            piece = inflater.decompress(deflated, _PIECE)
        except zlib.error as error:
            told = f"a deflated data set that cannot be inflated ({error})"
            raise NotDicom(told) from error
        yield piece
        deflated = inflater.unconsumed_tail
        if not deflated and len(piece) < _PIECE:
            return

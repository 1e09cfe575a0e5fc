"""What a zip or a gzipped tar file holds, read without trust in its headers."""

import gzip
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import SEEK_SET, FileIO
from pathlib import Path
from typing import IO

from gateway.errors import Unprocessable

_PIECE = 1 << 20
_GZIP = b"\x1f\x8b"
_LARGEST_READ = 16 << 20  # bytes at once: the directory of a zip file, or an extended header of tar
_FARTHEST = 1 << 62
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What the readers of both raise where bytes are no archive.
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    ValueError,
    NotImplementedError,  # of zipfile, for ways to pack that it does not know
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Member:
    """kind: what it is where it is neither file nor folder, else ""."""

    name: str
    is_folder: bool
    kind: str
    open: Callable[[], IO[bytes] | None]


def members(archive: Path, inflated: Callable[[int], None]) -> Iterator[Member]:
    """Of a gzipped tar file, or else a zip file. inflated: told of bytes as they come out of gzip.

    Raises BROKEN, and Unprocessable for headers that are too long to be read.
    """
    with archive.open("rb") as stream:
        is_gzip = stream.read(2) == _GZIP
    return _of_tar(archive, inflated) if is_gzip else _of_zip(archive)


class _Bounded(FileIO):
    """A file of which nobody reads much at once, whatever a header says of a length."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _LARGEST_READ:
            raise Unprocessable(
                f"the archive has {size} bytes of headers in one piece, "
                f"expected at most {_LARGEST_READ}"
            )
        return super().read(_LARGEST_READ if size is None or size < 0 else size) or b""

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        if whence == SEEK_SET and not 0 <= offset < _FARTHEST:
            raise zipfile.BadZipFile(f"it leads to byte {offset}")
        return super().seek(offset, whence)


def _of_zip(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(_Bounded(archive)) as content:
        for info in content.infolist():
            yield Member(
                info.filename, info.is_dir(), _kind_in_zip(info), lambda i=info: content.open(i)
            )


def _kind_in_zip(info: zipfile.ZipInfo) -> str:
    file_type = (info.external_attr >> 16) & 0o170000  # as UNIX has it, or 0
    if file_type not in (0, 0o100000, 0o040000):
        return "a link or a device"
    if info.flag_bits & 1:
        return "which is encrypted"
    if info.compress_type not in _READABLE:
        return f"packed by method {info.compress_type}, neither stored nor deflated"
    return ""


def _of_tar(archive: Path, inflated: Callable[[int], None]) -> Iterator[Member]:
    """The tar file is written out first: in a gzip file one cannot go back cheaply."""
    with tempfile.NamedTemporaryFile(dir=archive.parent, suffix=".tar") as plain:
        with gzip.open(archive) as packed:
            while piece := packed.read(_PIECE):
                inflated(len(piece))
                plain.write(piece)
        plain.flush()
        with tarfile.open(fileobj=_Bounded(plain.name), mode="r:") as content:
            for info in content:
                plain_kind = info.isreg() or info.isdir()
                kind = "" if plain_kind else "a link or a device"
                yield Member(info.name, info.isdir(), kind, lambda i=info: content.extractfile(i))

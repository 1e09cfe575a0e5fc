"""Archives of models, laid out in a folder: zip or gzipped tar, neither of them trusted.

What a header says of sizes is not believed, what comes out is counted. Only folders and files are
made, under relative paths that stay inside, each name once.
"""

import gzip
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import SEEK_SET, FileIO
from pathlib import Path, PurePosixPath
from typing import IO

from gateway.errors import Unprocessable

_PIECE = 1 << 20
_GZIP = b"\x1f\x8b"
_LONGEST_NAME, _LONGEST_PATH = (
    255,
    1024,
)  # bytes; of most file systems, and far below their PATH_MAX
_LARGEST_READ = 16 << 20  # bytes at once: the directory of a zip file, or an extended header of tar
_FARTHEST = 1 << 62
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    ValueError,
    NotImplementedError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """ratio: bytes that come out for each that went in, once they are more than `unmeasured`."""

    files: int = 20_000
    total: int = 16 << 30
    ratio: int = 200
    unmeasured: int = 64 << 20


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class _Member:
    """kind: what it is where it is neither file nor folder, else ""."""

    name: str
    is_folder: bool
    kind: str
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, folder: Path, limits: Limits = LIMITS) -> None:
    """Lay the archive out in a new folder, which is gone again when this raises.

    Raises Unprocessable for an archive that is none, lies, or is more than the limits allow.
    """
    folder.mkdir(parents=True)
    try:
        _unpack(archive, folder, limits)
    except _BROKEN as error:
        shutil.rmtree(folder)
        raise Unprocessable(
            f"the archive cannot be read: {error or type(error).__name__}; "
            "expected a zip file, or a gzipped tar file"
        ) from error
    except BaseException:
        shutil.rmtree(folder)
        raise


class _Meter:
    """Counts what comes out of an archive of so many bytes."""

    def __init__(self, size: int, limits: Limits) -> None:
        self._size, self._limits = size, limits
        self._files = self._total = 0

    def file(self) -> None:
        self._files += 1
        if self._files > self._limits.files:
            raise Unprocessable(
                f"the archive holds more than {self._limits.files} files; leave out what is not "
                "needed"
            )

    def took(self, count: int) -> None:
        self._total += count
        limits = self._limits
        if self._total > limits.total:
            raise Unprocessable(f"the archive unpacks to more than {limits.total} bytes")
        if self._total > max(limits.unmeasured, limits.ratio * self._size):
            raise Unprocessable(
                f"the archive unpacks to more than {limits.ratio} times its {self._size} bytes, "
                "as no weights or programs do; pack it anew, or send the file by itself"
            )


def _unpack(archive: Path, folder: Path, limits: Limits) -> None:
    meter = _Meter(archive.stat().st_size, limits)
    with archive.open("rb") as stream:
        is_gzip = stream.read(2) == _GZIP
    members = _of_tar(archive, limits) if is_gzip else _of_zip(archive)
    seen: set[PurePosixPath] = set()
    for member in members:
        meter.file()
        path = _checked(member)
        if path in seen and not member.is_folder:
            raise Unprocessable(f"the archive holds {member.name[:128]!r} twice")
        seen.add(path)
        _lay_out(member, folder / path, meter)


def _lay_out(member: _Member, target: Path, meter: _Meter) -> None:
    try:
        (target if member.is_folder else target.parent).mkdir(parents=True, exist_ok=True)
        out = None if member.is_folder else target.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise Unprocessable(
            f"the archive holds {member.name[:128]!r} as a file and as a folder, "
            "or under two spellings"
        ) from error
    if out is not None:
        with out:
            _write(member, out, meter)


def _write(member: _Member, out: IO[bytes], meter: _Meter) -> None:
    source = member.open()
    assert source is not None, member.name  # noqa: S101 (None is for what is no file)
    with source:
        while piece := source.read(_PIECE):
            meter.took(len(piece))
            out.write(piece)


def _checked(member: _Member) -> PurePosixPath:
    """Its path. Raises Unprocessable where it is no plain file or folder, or leads elsewhere."""
    told = f"the archive holds {member.name[:128]!r}"
    if member.kind:
        raise Unprocessable(f"{told}, {member.kind}; expected files and folders only")
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name or ":" in member.name:
        raise Unprocessable(f"{told}, which leaves its folder; expected relative paths only")
    longest = max((len(_encoded(part)) for part in path.parts), default=0)
    if len(_encoded(str(path))) > _LONGEST_PATH or longest > _LONGEST_NAME:
        raise Unprocessable(f"{told}, whose name is too long")
    if not path.parts and not member.is_folder:
        raise Unprocessable(f"{told}, a file without a name")
    return path


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


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


def _of_zip(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(_Bounded(archive)) as content:
        for info in content.infolist():
            yield _Member(
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


def _of_tar(archive: Path, limits: Limits) -> Iterator[_Member]:
    """The tar file is written out first: in a gzip file one cannot go back cheaply.

    Its files are counted once more as they come out of it, since they may have holes.
    """
    meter = _Meter(archive.stat().st_size, limits)
    with tempfile.NamedTemporaryFile(dir=archive.parent, suffix=".tar") as plain:
        with gzip.open(archive) as packed:
            while piece := packed.read(_PIECE):
                meter.took(len(piece))
                plain.write(piece)
        plain.flush()
        with tarfile.open(fileobj=_Bounded(plain.name), mode="r:") as content:
            for info in content:
                plain_kind = info.isreg() or info.isdir()
                kind = "" if plain_kind else "a link or a device"
                yield _Member(info.name, info.isdir(), kind, lambda i=info: content.extractfile(i))

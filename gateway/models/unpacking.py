"""Archives of models, laid out in a folder: zip or gzipped tar, neither of them trusted.

What a header says of sizes is not believed, what comes out is counted. Only folders and files are
made, under relative paths that stay inside, each name once.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from gateway.errors import Unprocessable
from gateway.models.members import BROKEN, Member, members

_PIECE = 1 << 20
_LONGEST_NAME, _LONGEST_PATH = 255, 1024  # bytes, which every file system of ours can hold


@dataclass(frozen=True, slots=True)
class Limits:
    """ratio: bytes that come out for each that went in, once they are more than `unmeasured`."""

    files: int = 20_000
    total: int = 16 << 30
    ratio: int = 200
    unmeasured: int = 64 << 20


LIMITS = Limits()


def unpack(archive: Path, folder: Path, limits: Limits = LIMITS) -> None:
    """Lay the archive out in a new folder, which is gone again when this raises.

    Raises Unprocessable for an archive that is none, lies, or is more than the limits allow.
    """
    folder.mkdir(parents=True)
    try:
        _unpack(archive, folder, limits)
    except BROKEN as error:
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
    size = archive.stat().st_size
    # What comes out of gzip is no measure of what comes out of the tar file, which may have holes.
    inflated, meter = _Meter(size, limits), _Meter(size, limits)
    seen: set[PurePosixPath] = set()
    for member in members(archive, inflated.took):
        meter.file()
        path = _checked(member)
        if path in seen and not member.is_folder:
            raise Unprocessable(f"the archive holds {member.name[:128]!r} twice")
        seen.add(path)
        _lay_out(member, folder / path, meter)


def _lay_out(member: Member, target: Path, meter: _Meter) -> None:
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


def _write(member: Member, out: IO[bytes], meter: _Meter) -> None:
    source = member.open()
    assert source is not None, member.name  # noqa: S101 (None is for what is no file)
    with source:
        while piece := source.read(_PIECE):
            meter.took(len(piece))
            out.write(piece)


def _checked(member: Member) -> PurePosixPath:
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

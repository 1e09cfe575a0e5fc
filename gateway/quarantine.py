"""What was sent but could not be kept: its bytes aside in a folder, its reason in the database."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from sqlalchemy.orm import Session

from gateway.store.tables import QuarantineRow
from standards.store_response import FailedInstance

_PREFIX_AT = 128  # of a Part 10 file: PS3.10 7.1
_IN_ARCHIVE = "archive:"
_PIECE = 1 << 20  # bytes copied at once


def worth_keeping(content: bytes | Path, refused: FailedInstance) -> bool:
    """DICOM that cannot be stored is somebody's study; anything else is only refused."""
    if refused.sop_instance_uid:
        return True
    if isinstance(content, Path):
        with content.open("rb") as file:
            return file.read(_PREFIX_AT + 4)[_PREFIX_AT:] == b"DICM"
    return content[_PREFIX_AT : _PREFIX_AT + 4] == b"DICM"


def in_archive(key: str) -> str:
    """The path of what was found in the archive, where its bytes stay."""
    return _IN_ARCHIVE + key


def archive_key(path: str) -> str | None:
    """What the archive calls the bytes, if they stay there."""
    return path.removeprefix(_IN_ARCHIVE) if path.startswith(_IN_ARCHIVE) else None


class Quarantine:
    """Files under `folder`; no name in it comes from outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes | Path | Iterator[bytes]) -> Path:
        """Write the bytes aside, durably. Raises OSError, and then leaves no file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{uuid4().hex}.dcm"
        try:
            with path.open("xb") as file:
                _write(file, content)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self.folder)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def note(self, session: Session, path: Path, refused: FailedInstance) -> None:
        """Its row, in the caller's transaction."""
        session.add(
            QuarantineRow(
                study_instance_uid=refused.study_instance_uid,
                sop_instance_uid=refused.sop_instance_uid,
                reason=refused.reason,
                path=str(path),
                size=path.stat().st_size,
                received_at=time.time(),
            )
        )


def sync_folder(folder: Path) -> None:
    """Make the names in it as durable as what they name."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(file: BinaryIO, content: bytes | Path | Iterator[bytes]) -> None:
    if isinstance(content, bytes):
        file.write(content)
    elif isinstance(content, Path):
        with content.open("rb") as source:
            shutil.copyfileobj(source, file, _PIECE)
    else:
        file.writelines(content)

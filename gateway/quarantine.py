"""What was sent but could not be kept: its bytes aside in a folder, its reason in the database."""

import os
import shutil
import time
from pathlib import Path
from uuid import uuid4

from sqlalchemy.orm import Session

from gateway.store.tables import QuarantineRow
from standards.store_response import FailedInstance

_PREFIX_AT = 128  # of a Part 10 file: PS3.10 7.1


def worth_keeping(content: bytes | Path, refused: FailedInstance) -> bool:
    """DICOM that cannot be stored is somebody's study; anything else is only refused."""
    if refused.sop_instance_uid:
        return True
    if isinstance(content, Path):
        with content.open("rb") as file:
            return file.read(_PREFIX_AT + 4)[_PREFIX_AT:] == b"DICM"
    return content[_PREFIX_AT : _PREFIX_AT + 4] == b"DICM"


class Quarantine:
    """Files under `folder`; no name in it comes from outside."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes | Path) -> Path:
        """Write the bytes aside, durably."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{uuid4().hex}.dcm"
        if isinstance(content, Path):
            shutil.copyfile(content, path)
        else:
            path.write_bytes(content)
        with path.open("rb") as file:
            os.fsync(file.fileno())
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

"""Who uses a virtual environment, and what becomes of one that nobody uses any more.

A file of it is locked: shared by the processes of models that run in it, alone by who drops it.
"""

import fcntl
import os
import shutil
import uuid
from pathlib import Path
from typing import IO

_MARK = "pyvenv.cfg"  # each environment has it


def hold(environment: Path) -> IO[bytes]:
    """Nobody drops it until the file is closed, or its process ends. Raises FileNotFoundError."""
    mark = (environment / _MARK).open("rb")
    fcntl.flock(mark, fcntl.LOCK_SH)
    return mark


def is_there(environment: Path) -> bool:
    """If so it is noted as asked for, and stays long enough to be used."""
    try:
        with hold(environment):
            os.utime(environment)
    except FileNotFoundError:  # not made yet, or dropped while we waited
        return False
    return True


def drop(environment: Path, before: float) -> bool:
    """Whether it was removed: not while it is used, or where it was asked for since that time."""
    try:
        with (environment / _MARK).open("rb") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return _drop_unused(environment, before)
    except BlockingIOError:
        return False
    except FileNotFoundError:  # half made, and left so
        return _drop_unused(environment, before)


def _drop_unused(environment: Path, before: float) -> bool:
    dropped = environment.with_name(f"{uuid.uuid4().hex}.dropped")
    try:
        if environment.stat().st_mtime >= before:
            return False
        environment.rename(dropped)  # at once, so that nobody sees half of it
    except FileNotFoundError:  # another worker of this machine was faster
        return False
    shutil.rmtree(dropped, ignore_errors=True)  # it may be at this one too
    return True

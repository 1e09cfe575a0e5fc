"""A lock between the processes of one machine: a file that is held as long as it is open."""

import fcntl
import os
from pathlib import Path
from typing import IO


def locked_file(path: Path, *, wait: bool = True) -> IO[bytes]:
    """The lock is given back when the file is closed, or its process ends, however it ends.

    Child processes do not inherit it. Raises BlockingIOError where another process has it and it
    is not to be waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    try:
        os.set_inheritable(file.fileno(), False)
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        file.close()
        raise
    return file

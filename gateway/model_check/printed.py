"""What a model's process prints, kept apart from the report."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_UNBUFFERED = "PYTHONUNBUFFERED"  # a model's process is killed in the end, and its buffers with it
_STDOUT = 1


@contextmanager
def caught_output() -> Iterator[list[str]]:
    """Lines that this process and those it starts write on stdout; there when it is left."""
    lines: list[str] = []
    sys.stdout.flush()
    former, kept = os.environ.get(_UNBUFFERED), os.dup(_STDOUT)
    with tempfile.TemporaryFile("w+", errors="replace") as file:
        os.environ[_UNBUFFERED] = "1"
        os.dup2(file.fileno(), _STDOUT)
        try:
            yield lines
        finally:
            os.dup2(kept, _STDOUT)
            os.close(kept)
            os.environ.pop(_UNBUFFERED)
            os.environ |= {_UNBUFFERED: former} if former is not None else {}
            file.seek(0)
            lines += [line for line in file.read().splitlines() if line.strip()]

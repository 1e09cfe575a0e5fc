"""Names that say whose a container is, so that those of the dead are found and removed.

One model's process runs one container at a time, below one keeper (adapters/runtimes/keeper.py).
A name is `airgate-<machine>-<keeper's process id>-<when that was started>`.
"""

import hashlib
import re
import socket
from pathlib import Path

_NAME = re.compile(r"airgate-([0-9a-f]{8})-(\d+)-(\d+)")


def container_name(keeper: int) -> str:
    """keeper: process id."""
    return f"airgate-{_machine()}-{keeper}-{_started(keeper)}"


def is_abandoned(name: str) -> bool:
    """Whether it was started on this machine by a keeper that is gone."""
    found = _NAME.fullmatch(name)
    if found is None or found[1] != _machine():
        return False
    return _started(int(found[2])) != int(found[3])


def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _started(pid: int) -> int:
    """Ticks since boot, field 22 of proc(5) stat; -1 where there is no such process."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return -1

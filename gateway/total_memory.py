"""The memory that this machine has, or this container is given."""

import os
from pathlib import Path

_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),  # version 2 of control groups; "max" where there is none
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def total_memory() -> int:
    """Bytes."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    told = [path.read_text().strip() for path in _LIMITS if path.is_file()]
    return min(machine, *(int(one) for one in told if one.isdigit()), machine)

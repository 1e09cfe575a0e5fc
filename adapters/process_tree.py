"""Which processes a process has started, and those in their turn (proc(5))."""

import contextlib
from collections.abc import Iterator
from pathlib import Path


def children(pid: int) -> list[int]:
    """Of all its threads; none of a process that is gone."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def descendants(pid: int) -> Iterator[int]:
    for child in children(pid):
        yield child
        yield from descendants(child)

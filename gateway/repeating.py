"""Small chores that a thread does now and then, beside the requests."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(
    chore: Callable[[], object], *, name: str, seconds: float, failed: str, log: logging.Logger
) -> Iterator[None]:
    """Do the chore once in any case, and again every so many seconds while the block runs.

    One under way is waited for at the end. Whatever it raises is logged, and it is tried again.
    name: of its thread. failed: what is logged then, to which the reason is added.
    """
    stop = threading.Event()

    def run() -> None:
        while True:
            try:
                chore()
            except Exception as error:  # the loop outlives any failure
                log.warning("%s: %s", failed, error)
            if stop.wait(seconds):
                return

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()

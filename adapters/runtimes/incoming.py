"""What comes into a model's process: the files of a series, decoded one by one as they arrive."""

import io
import time

from pydicom import dcmread

from standards.errors import UnfitSeries
from standards.volume import Stack, Volume


class Incoming:
    """The series of one input, decoded as its files come in.

    That it is unfit is told when all have come: the worker listens only then.
    seconds: spent on decoding.
    """

    def __init__(self) -> None:
        self._stack = Stack()
        self._unfit: UnfitSeries | None = None
        self.seconds = 0.0

    def add(self, content: bytes) -> None:
        if self._unfit is not None:
            return
        started = time.perf_counter()
        try:
            self._stack.add(dcmread(io.BytesIO(content)))
        except UnfitSeries as unfit:
            self._stack, self._unfit = Stack(), unfit
        self.seconds += time.perf_counter() - started

    def volume(self) -> Volume:
        """Raises UnfitSeries."""
        if self._unfit is not None:
            raise self._unfit
        return self._stack.volume()

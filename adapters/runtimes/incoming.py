"""What comes into a model's process: the files of each input, for a volume or as images; and what
other models found.
"""

import io
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pydicom import Dataset, dcmread

from ai_models.card import InputFindings, InputKind, ModelCard
from ai_models.contract import Inputs
from standards import findings_file
from standards.findings import Caveat, Finding, Findings
from standards.images import Image, in_image_order
from standards.volume import Stack, Volume


class Incoming(Protocol):
    """The series, or the findings, of one input. seconds: spent on decoding while it came."""

    seconds: float

    def add(self, content: bytes) -> None:
        """Take the next file."""


class IncomingVolume:
    """The slices of a volume, decoded as their files come in.

    What is wrong with it is told when all have come: the worker listens only then.
    """

    def __init__(self) -> None:
        self._stack = Stack()
        self._error: Exception | None = None
        self.seconds = 0.0

    def add(self, content: bytes) -> None:
        if self._error is not None:
            return
        started = time.perf_counter()
        try:
            self._stack.add(dcmread(io.BytesIO(content)))
        except Exception as error:  # bytes from anywhere: whatever they bring is told later
            self._stack, self._error = Stack(), error
        self.seconds += time.perf_counter() - started

    def volume(self) -> Volume:
        """Raises UnfitSeries, and what else came of reading the files."""
        if self._error is not None:
            raise self._error
        return self._stack.volume()


class IncomingImages:
    """Images for themselves, decoded when the model asks for their pixels."""

    def __init__(self) -> None:
        self._contents: list[bytes] = []
        self.seconds = 0.0

    def add(self, content: bytes) -> None:
        self._contents.append(content)

    def images(self) -> tuple[Image, ...]:
        """Raises UnfitSeries, and what else comes of reading the files."""
        instances = [dcmread(io.BytesIO(content)) for content in self._contents]
        self._contents.clear()  # as large as the images
        return tuple(Image(instance) for instance in in_image_order(instances))


class IncomingFindings:
    """What another model found, one file. The gateway wrote it, in its own format."""

    def __init__(self, wanted: InputFindings) -> None:
        self._wanted = wanted
        self._found = Findings.of(())
        self.seconds = 0.0

    def add(self, content: bytes) -> None:
        started = time.perf_counter()
        self._found = findings_file.read(content)
        self.seconds += time.perf_counter() - started

    def findings(self) -> tuple[Finding, ...]:
        return self._wanted.wanted(self._found)

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        return self._found.caveats


_KINDS: Mapping[InputKind, Callable[[], Incoming]] = {
    InputKind.VOLUME: IncomingVolume,
    InputKind.IMAGES: IncomingImages,
}


def incoming(card: ModelCard, name: str) -> Incoming:
    """name: of the input."""
    for wanted in card.stands_on:
        if wanted.name == name:
            return IncomingFindings(wanted)
    return _KINDS[card.input(name).kind]()


def inputs_of(series: Mapping[str, Incoming], progress: Callable[[float], None]) -> Inputs:
    """What the model sees, once all files have come. Raises UnfitSeries."""
    volumes = {n: one.volume() for n, one in series.items() if isinstance(one, IncomingVolume)}
    images = {n: one.images() for n, one in series.items() if isinstance(one, IncomingImages)}
    found = {n: one.findings() for n, one in series.items() if isinstance(one, IncomingFindings)}
    return Inputs(volumes, progress, images, findings=found)


def warned_before(series: Mapping[str, Incoming]) -> list[Caveat]:
    """The caveats of other models' findings, which hold for what is made of these too."""
    found = (one for one in series.values() if isinstance(one, IncomingFindings))
    return [caveat for one in found for caveat in one.caveats]


def drawn_on(inputs: Inputs, name: str) -> Sequence[Dataset]:
    """The headers of the slices or images of an input, in the order that findings count them by."""
    if name in inputs.volumes:
        return inputs.volumes[name].instances
    return [image.instance for image in inputs.image_series[name]]

"""What a model is to this program: inputs in, findings out, or an honest refusal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from standards.findings import Finding
from standards.images import Image
from standards.volume import Volume


class NoResult(Exception):
    """The model will not answer for this input. A delivered outcome, not a failure.

    check: which test the input did not pass; found and expected: in words or numbers.
    """

    def __init__(self, check: str, found: str, expected: str) -> None:
        self.check, self.found, self.expected = check, found, expected
        super().__init__(f"{check}: found {found}, expected {expected}")

    def __reduce__(self) -> tuple[type["NoResult"], tuple[str, str, str]]:
        return NoResult, (self.check, self.found, self.expected)  # it crosses processes


def _nobody_waits(_percent: float) -> None:
    """Where nobody is to be told."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the card asked for, by the names the card gave (`[[inputs]] name = ...`).

    volumes: of the inputs of kind `volume`; image_series: the images of those of kind `images`, in
        the order of their Instance Numbers, which is what a Region counts them by.
    folder: holds a folder for each input, called as it is, with the files of its series, for models
        that run in containers; None for all others.
    progress: takes the percentage that is done, for whoever waits; long models call it.
    findings: of the inputs of kind `findings`: what other models found on the same series. Slices
        and images are counted there as they are here, and label maps have the volume's grid.
    """

    volumes: Mapping[str, Volume]
    progress: Callable[[float], None] = _nobody_waits
    image_series: Mapping[str, Sequence[Image]] = field(default_factory=dict)
    folder: Path | None = None
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)

    @property
    def volume(self) -> Volume:
        """The only volume, for models with one input."""
        (volume,) = self.volumes.values()
        return volume

    @property
    def images(self) -> Sequence[Image]:
        """The only images, for models with one input."""
        (images,) = self.image_series.values()
        return images


class Model(Protocol):
    """Made once in its own process, then asked again and again. Raises NoResult to refuse.

    A Caveat among the findings is a warning: the work ends DONE_WITH_WARNINGS.
    """

    def predict(self, inputs: Inputs) -> Sequence[Finding]: ...

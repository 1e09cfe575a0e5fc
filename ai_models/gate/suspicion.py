"""What a check of the gate says of an input, and what it may look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from ai_models.card import GateRules, InputSeries
from standards.images import Image


@dataclass(frozen=True, slots=True)
class Suspicion:
    """found and expected: in words or numbers, as NoResult and UnfitSeries have them."""

    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One input of a model: the headers of its slices or images, and what the card says of it."""

    headers: Sequence[Dataset]
    wanted: InputSeries
    rules: GateRules

    @property
    def modality(self) -> str:
        return str(self.headers[0].get("Modality", ""))

    def stated(self, keyword: str) -> list[str]:
        """The different values that the headers state, as text."""
        found = {str(header.get(keyword) or "") for header in self.headers}
        return sorted(found - {""})


Claim = Callable[[Seen], Suspicion | None]
# With the voxels of a volume in modality values, (slices, rows, columns).
Values = Callable[[Seen, np.ndarray], Suspicion | None]
# With images for themselves, pixels included.
Pictures = Callable[[Seen, Sequence[Image]], Suspicion | None]

"""What a check of the gate says of an input, and what it may look at."""

from collections.abc import Callable
from dataclasses import dataclass

from ai_models.card import GateRules, InputSeries
from standards.volume import Volume


@dataclass(frozen=True, slots=True)
class Suspicion:
    """found and expected: in words or numbers, as NoResult and UnfitSeries have them."""

    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One input of a model: its volume, what the card asks of it, and of the gate."""

    volume: Volume
    wanted: InputSeries
    rules: GateRules

    @property
    def modality(self) -> str:
        return str(self.volume.instances[0].get("Modality", ""))

    def stated(self, keyword: str) -> list[str]:
        """The different values that the headers state, as text."""
        found = {str(header.get(keyword) or "") for header in self.volume.instances}
        return sorted(found - {""})


Check = Callable[[Seen], Suspicion | None]

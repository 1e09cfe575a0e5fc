"""How far two answers to the same questions agree: Dice, Bland-Altman, Cohen's kappa.

Pure numbers: who answered, and where the answers lie, is told elsewhere.
"""

import math
import statistics
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

NORMAL_95 = 1.96  # standard deviations about the mean that hold 95 % of a normal distribution


@dataclass(frozen=True, slots=True)
class Overlap:
    """Voxels that the first marks, that the second marks, and that both do."""

    first: int = 0
    second: int = 0
    both: int = 0

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray) -> "Overlap":
        """first, second: bool, of the same shape."""
        return cls(
            int(np.count_nonzero(first)),
            int(np.count_nonzero(second)),
            int(np.count_nonzero(first & second)),
        )

    def __add__(self, other: "Overlap") -> "Overlap":
        return Overlap(self.first + other.first, self.second + other.second, self.both + other.both)

    @property
    def dice(self) -> float:
        """0 to 1 (Dice 1945); 1 where neither marks anything, since they agree on that."""
        marked = self.first + self.second
        return 2 * self.both / marked if marked else 1.0


@dataclass(frozen=True, slots=True)
class BlandAltman:
    """Differences of the second from the first (Bland and Altman 1986), in the unit of both.

    deviation: of the sample; None of a single pair, as are the limits of agreement.
    """

    pairs: int
    bias: float
    deviation: float | None

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> "BlandAltman":
        """pairs: one at least."""
        differences = [second - first for first, second in pairs]
        several = len(differences) > 1
        deviation = statistics.stdev(differences) if several else None
        return cls(len(differences), statistics.fmean(differences), deviation)

    @property
    def limits(self) -> tuple[float, float] | None:
        """Between which 95 % of the differences lie, if they are distributed normally."""
        if self.deviation is None:
            return None
        reach = NORMAL_95 * self.deviation
        return self.bias - reach, self.bias + reach


@dataclass(frozen=True, slots=True)
class Kappa:
    """How often two name the same, and how much more often than by chance (Cohen 1960).

    kappa: None where both always name the same one value: chance would agree as often.
    """

    pairs: int
    agreement: float  # 0 to 1
    kappa: float | None

    @classmethod
    def of(cls, pairs: Sequence[tuple[Hashable, Hashable]]) -> "Kappa":
        """pairs: one at least."""
        count = len(pairs)
        firsts, seconds = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
        observed = sum(one == other for one, other in pairs) / count
        by_chance = sum(firsts[value] * seconds[value] for value in firsts) / count**2
        if math.isclose(by_chance, 1):
            return cls(count, observed, None)
        return cls(count, observed, (observed - by_chance) / (1 - by_chance))

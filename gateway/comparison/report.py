"""What a comparison says: every pair, and how far the two agree on each thing they both tell."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gateway.comparison.agreement import BlandAltman, Kappa, Overlap
from gateway.comparison.overlaps import measured, want
from gateway.comparison.pairs import Pair, pairs
from gateway.errors import Unprocessable
from gateway.registry import Registry
from gateway.store.database import Database

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Measure:
    """One measurement. points: values of first and second, in the unit (UCUM)."""

    name: str
    unit: str
    points: Sequence[tuple[float, float]]
    agreement: BlandAltman


@dataclass(frozen=True, slots=True)
class Judgement:
    """One classification. points: values of first and second."""

    name: str
    points: Sequence[tuple[str, str]]
    agreement: Kappa


@dataclass(frozen=True, slots=True)
class Segment:
    """One structure. dices: one for each pair."""

    name: str
    dices: Sequence[float]


@dataclass(frozen=True)
class Comparison:
    """first, second: versions. overlaps: of the pairs that are measured, by their workitems."""

    name: str
    first: str
    second: str
    days: float
    pairs: Sequence[Pair]
    overlaps: Mapping[tuple[str, str], Mapping[str, Overlap]]

    @property
    def answered(self) -> list[Pair]:
        """Where both have a result; only these are compared."""
        return [pair for pair in self.pairs if pair.both_answered]

    @property
    def one_answered(self) -> list[Pair]:
        """Where one has a result, and the other refused or failed."""
        return [pair for pair in self.pairs if pair.first.answered != pair.second.answered]

    @property
    def waiting(self) -> int:
        """Pairs with segmentations whose overlap is still to be measured."""
        segmented = [pair for pair in self.answered if pair.both_segmented]
        return len(segmented) - sum(
            (pair.first.uid, pair.second.uid) in self.overlaps for pair in segmented
        )

    def overlap(self, pair: Pair) -> Mapping[str, Overlap]:
        return self.overlaps.get((pair.first.uid, pair.second.uid), {})

    @property
    def measures(self) -> list[Measure]:
        points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        for pair in self.answered:
            for key, *values in _shared(pair.first.measurements, pair.second.measurements):
                points[key].append((values[0], values[1]))
        return [Measure(*key, found, BlandAltman.of(found)) for key, found in points.items()]

    @property
    def judgements(self) -> list[Judgement]:
        points: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for pair in self.answered:
            for key, one, other in _shared(pair.first.classifications, pair.second.classifications):
                points[key].append((one, other))
        return [Judgement(key, found, Kappa.of(found)) for key, found in points.items()]

    @property
    def segments(self) -> list[Segment]:
        dices: dict[str, list[float]] = defaultdict(list)
        for pair in self.answered:
            for name, overlap in self.overlap(pair).items():
                dices[name].append(overlap.dice)
        return [Segment(name, found) for name, found in dices.items()]

    def lines(self) -> Iterator[tuple[str | float, ...]]:
        """One for each thing that both tell of a pair, and one for the outcomes: see COLUMNS."""
        for pair in self.pairs:
            one, other = pair.first, pair.second
            about = (pair.study_instance_uid, one.uid, other.uid)
            yield *about, "outcome", "", "", one.row.outcome, other.row.outcome, ""
            if not pair.both_answered:
                continue
            for (name, unit), a, b in _shared(one.measurements, other.measurements):
                yield *about, "measurement", name, unit, a, b, ""
            for name, said, answered in _shared(one.classifications, other.classifications):
                yield *about, "classification", name, "", said, answered, ""
            for name, overlap in self.overlap(pair).items():
                yield *about, "voxels", name, "", overlap.first, overlap.second, overlap.dice


COLUMNS = (
    "study_instance_uid",
    "workitem_a",
    "workitem_b",
    "kind",
    "name",
    "unit",
    "a",
    "b",
    "dice",
)


def compare(
    registry: Registry, database: Database, name: str, versions: tuple[str, str], days: float
) -> Comparison:
    """What is measured so far; the rest is noted for the workers.

    Raises NotFound for a version that is not registered, Unprocessable for one with itself.
    """
    first, second = versions
    for version in versions:
        registry.version(name, version)
    if first == second:
        raise Unprocessable(f"version {first} was to be compared with itself; name two versions")
    with database.read() as session:
        found = pairs(session, name, first, second, days)
    want(database, [pair for pair in found if pair.both_answered])
    with database.read() as session:
        return Comparison(name, first, second, days, found, measured(session, found))


def _shared(
    one: Mapping[Key, Value], other: Mapping[Key, Value]
) -> Iterator[tuple[Key, Value, Value]]:
    return ((key, value, other[key]) for key, value in one.items() if key in other)

"""Which work of two versions saw the same series, and what each of the two said.

What is compared is read from the AIR result trees, where live and shadow work keep it alike.
"""

import json
import time
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.models.tries import RULE as TRY
from gateway.outcomes import Outcome
from gateway.store.tables import WorkitemRow

MOST_PAIRS = 1000  # the latest of the period
ANSWERS = (Outcome.DONE, Outcome.DONE_WITH_WARNINGS)
NO_ANSWERS = (Outcome.NO_RESULT, Outcome.REFUSED_INPUT, Outcome.FAILED, Outcome.TIMED_OUT)

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True)
class Run:
    """One piece of work that ended, with or without an answer."""

    row: WorkitemRow

    @property
    def uid(self) -> str:
        return self.row.sop_instance_uid

    @property
    def answered(self) -> bool:
        return self.row.outcome in ANSWERS

    @cached_property
    def _tree(self) -> dict[str, Any]:
        return json.loads(self.row.results) if self.row.results else {}

    @cached_property
    def measurements(self) -> dict[tuple[str, str], float]:
        """By name and unit; what a run says twice under one name cannot be paired."""
        named = {one["tracking_uid"]: one["name"] for one in self._tree.get("regions", ())}
        return dict(
            _unique(
                ((_measured(one, named), one["unit"]), one["value"])
                for one in self._tree.get("measurements", ())
            )
        )

    @cached_property
    def classifications(self) -> dict[str, str]:
        """Value by name; what a run says twice under one name cannot be paired."""
        told = self._tree.get("classifications", ())
        return dict(_unique((_judged(one), one["value"]) for one in told))

    @property
    def segmentations(self) -> list[str]:
        """SOP Instance UIDs."""
        objects = self._tree.get("objects", ())
        return [one["sop_instance_uid"] for one in objects if one["kind"] == "SEG"]


@dataclass(frozen=True)
class Pair:
    """The latest work of each version on the same series of one study."""

    first: Run
    second: Run

    @property
    def study_instance_uid(self) -> str:
        return self.first.row.study_instance_uid

    @property
    def both_answered(self) -> bool:
        return self.first.answered and self.second.answered

    @property
    def both_segmented(self) -> bool:
        return bool(self.first.segmentations and self.second.segmentations)


def pairs(session: Session, name: str, first: str, second: str, days: float) -> Sequence[Pair]:
    """first, second: versions. Work that ended in the last days, but tries; newest first."""
    since = time.time() - days * 86_400
    firsts = _latest(session, name, first, since)
    seconds = _latest(session, name, second, since)
    both = [Pair(run, seconds[key]) for key, run in firsts.items() if key in seconds]
    return both[:MOST_PAIRS]


def _latest(
    session: Session, name: str, version: str, since: float
) -> dict[tuple[str, str, str], Run]:
    """By study and inputs."""
    row = WorkitemRow
    newest = (
        select(row)
        .where(row.model_name == name, row.model_version == version, row.ended_at >= since)
        .where(row.rule != TRY, row.outcome.in_([*ANSWERS, *NO_ANSWERS]))
        .order_by(row.ended_at.desc(), row.sop_instance_uid)
        .limit(2 * MOST_PAIRS)  # some have no counterpart, or were done again
    )
    found: dict[tuple[str, str, str], Run] = {}
    for one in session.scalars(newest):
        key = (one.study_instance_uid, one.series_instance_uid, one.inputs)
        found.setdefault(key, Run(one))
    return found


def _measured(told: dict[str, Any], named: dict[str, str]) -> str:
    where = named.get(told["tracking_uid"]) or told["site"]
    derivation = f" ({told['derivation']})" if told["derivation"] else ""
    return f"{where}: {told['concept']}{derivation}"


def _judged(told: dict[str, Any]) -> str:
    where = " ".join(part for part in (told["laterality"], told["site"]) if part)
    return f"{where}: {told['concept']}" if where else told["concept"]


def _unique(told: Iterable[tuple[Key, Value]]) -> Iterator[tuple[Key, Value]]:
    listed = list(told)
    often = Counter(key for key, _ in listed)
    return ((key, value) for key, value in listed if often[key] == 1)

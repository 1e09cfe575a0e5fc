"""How one version of a model is used: how its work ended, and what took how long."""

import json
import math
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gateway.models.tries import RULE as TRY
from gateway.shadow import LIVE, SHADOW
from gateway.store.tables import EventRow, WorkitemRow

MOST_TIMED = 1000  # workitems whose times are looked at, the latest of the period
WAIT, WHOLE = "wait for a worker", "from claim to end"


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds of a step: half of the runs took no more than the median, 95 % no more than p95."""

    step: str
    runs: int
    median: float
    p95: float

    @classmethod
    def of(cls, step: str, seconds: Sequence[float]) -> "Spread":
        nearest_rank = sorted(seconds)[math.ceil(0.95 * len(seconds)) - 1]
        return cls(step, len(seconds), statistics.median(seconds), nearest_rank)


@dataclass(frozen=True, slots=True)
class Usage:
    """live, shadow: ended work of the last `days` by outcome. unfinished: now, whenever ordered.

    last_ended_at: seconds since the epoch, of any work but tries, however long ago.
    """

    days: float
    live: Mapping[str, int]
    shadow: Mapping[str, int]
    tries: int
    unfinished: int
    last_ended_at: float | None
    spreads: Sequence[Spread]


def usage(session: Session, name: str, version: str, days: float) -> Usage:
    own = (WorkitemRow.model_name == name) & (WorkitemRow.model_version == version)
    recent = own & (WorkitemRow.ended_at >= time.time() - days * 86_400)
    clinical = WorkitemRow.rule != TRY
    counts: dict[str, Counter[str]] = {LIVE: Counter(), SHADOW: Counter()}
    keys = (WorkitemRow.stage, WorkitemRow.outcome)
    for stage, outcome, count in session.execute(
        select(*keys, func.count()).where(recent, clinical).group_by(*keys)
    ):
        counts[SHADOW if stage == SHADOW else LIVE][outcome] += count
    return Usage(
        days,
        counts[LIVE],
        counts[SHADOW],
        _count(session, recent & ~clinical),
        _count(session, own & clinical & WorkitemRow.ended_at.is_(None)),
        session.scalar(select(func.max(WorkitemRow.ended_at)).where(own, clinical)),
        tuple(_spreads(session, recent & clinical)),
    )


def _count(session: Session, which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(WorkitemRow).where(which)) or 0


def _spreads(session: Session, which: ColumnElement[bool]) -> Iterator[Spread]:
    """In the order in which the steps of work come."""
    latest = select(
        WorkitemRow.sop_instance_uid,
        WorkitemRow.started_at - WorkitemRow.created_at,
        WorkitemRow.ended_at - WorkitemRow.started_at,
    ).where(which, WorkitemRow.started_at.is_not(None))
    rows = session.execute(latest.order_by(WorkitemRow.ended_at.desc()).limit(MOST_TIMED)).all()
    if not rows:
        return
    uids, waited, worked = zip(*rows, strict=True)
    yield Spread.of(WAIT, waited)
    seconds: dict[str, list[float]] = defaultdict(list)
    steps = select(EventRow.detail).where(EventRow.workitem_uid.in_(uids), EventRow.kind == "step")
    for detail in session.scalars(steps.order_by(EventRow.id)):
        told = json.loads(detail)
        seconds[told["name"]].append(told["seconds"])
    yield from (Spread.of(step, times) for step, times in seconds.items())
    yield Spread.of(WHOLE, worked)

"""The rule lab: what a draft of the rules would run on the studies of the last days, and how that
differs from what the rules in force would. Nothing is written.

One study at a time is in memory, and a trial ends after a limited time with where to go on.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.completion.arrivals import study_of
from gateway.errors import GatewayError
from gateway.registry import Registry
from gateway.routing.comparison import Change, Difference, differences
from gateway.routing.plan import Runnable, plan
from gateway.routing.priors import earlier_studies
from gateway.routing.router import arrival_of
from gateway.routing.rules import Rule
from gateway.routing.versions import in_force
from gateway.store.database import Database
from gateway.store.tables import StudyRow

MOST_SECONDS = 10.0
MOST_INSTANCES = 10_000  # of a study; the headers of so many take some 100 MB
MOST_DAYS, MOST_STUDIES = 366, 200


class TriedStudy(BaseModel):
    """reason: why the draft runs nothing. arrived_at: seconds since the epoch, UTC."""

    study_instance_uid: str
    study_date: str
    description: str
    arrived_at: float
    reason: str
    runs: list[Difference]


class Tried(BaseModel):
    """studies_in_all: of these days. next_offset: where to go on, None at the end.

    counts: runs by kind of change, of the studies looked at.
    """

    rules_version: int
    days: float
    studies_in_all: int
    next_offset: int | None
    counts: dict[Change, int]
    studies: list[TriedStudy]


class Order(BaseModel):
    """Which studies are looked at: those that arrived last, the latest first."""

    days: float = Field(default=7, gt=0, le=MOST_DAYS)
    limit: int = Field(default=50, ge=1, le=MOST_STUDIES)
    offset: int = Field(default=0, ge=0, le=2**31 - 1)


class Busy(GatewayError):
    status = 503

    def __init__(self) -> None:
        super().__init__("another draft is being tried just now; try again in some seconds")


class _TimeIsUp(Exception):
    pass


_one_at_a_time = threading.Lock()  # a trial keeps a core busy


@dataclass(frozen=True)
class Lab:
    """seconds: how long a trial may take. most_instances: of a study that is looked at."""

    database: Database
    registry: Registry
    seconds: float = MOST_SECONDS
    most_instances: int = MOST_INSTANCES

    def try_out(self, draft: Sequence[Rule], order: Order) -> Tried:
        """Raises Busy while another one is tried."""
        with _alone(self.seconds):
            return self._tried(draft, order)

    def _tried(self, draft: Sequence[Rule], order: Order) -> Tried:
        since = time.time() - order.days * 86400
        deadline = time.monotonic() + self.seconds
        with self.database.read() as session:
            live = in_force(session)
            in_all = session.scalar(
                select(func.count()).select_from(StudyRow).where(StudyRow.last_arrival_at >= since)
            )
            uids = session.scalars(
                select(StudyRow.study_instance_uid)
                .where(StudyRow.last_arrival_at >= since)
                .order_by(StudyRow.last_arrival_at.desc(), StudyRow.study_instance_uid)
                .offset(order.offset)
                .limit(order.limit)
            ).all()
        studies = []
        for uid in uids:
            tried = self._study(uid, draft, live.rules, deadline)
            if tried is None and studies:
                break  # it begins the next page, with all the time there is
            studies.append(tried or self._too_long(uid))
        reached = order.offset + len(studies)
        counts = Counter(run.change for study in studies for run in study.runs)
        return Tried(
            rules_version=live.version,
            days=order.days,
            studies_in_all=in_all or 0,
            next_offset=reached if studies and reached < (in_all or 0) else None,
            counts=dict(counts),
            studies=studies,
        )

    def _study(
        self, uid: str, draft: Sequence[Rule], live: Sequence[Rule], deadline: float
    ) -> TriedStudy | None:
        """None when time ran out over it."""

        def go_on() -> None:
            if time.monotonic() > deadline:
                raise _TimeIsUp

        with self.database.read() as session:
            row = session.get(StudyRow, uid)
            if row is None:
                return _told(uid, "it was deleted meanwhile")
            if row.number_of_instances > self.most_instances:
                return _of(
                    row, f"it has more than {self.most_instances} instances, too many to try"
                )
            try:
                go_on()
                study = study_of(session, uid)
                priors = partial(earlier_studies, session, row)
                plans = [
                    plan(
                        rules,
                        study,
                        arrival_of(row),
                        self._runnable(session),
                        priors,
                        go_on=go_on,
                    )
                    for rules in (draft, live)
                ]
            except _TimeIsUp:
                return None
        tried, now = plans
        return _of(row, tried.reason, list(differences(study, tried, now)))

    def _runnable(self, session: Session) -> Runnable:
        return lambda name: self.registry.runnable(session, name)

    def _too_long(self, uid: str) -> TriedStudy:
        return _told(uid, f"the draft takes longer than {self.seconds:g} s on this study")


@contextmanager
def _alone(seconds: float) -> Iterator[None]:
    if not _one_at_a_time.acquire(timeout=seconds):
        raise Busy
    try:
        yield
    finally:
        _one_at_a_time.release()


def _of(row: StudyRow, reason: str, runs: list[Difference] | None = None) -> TriedStudy:
    return TriedStudy(
        study_instance_uid=row.study_instance_uid,
        study_date=row.study_date,
        description=row.study_description,
        arrived_at=row.last_arrival_at,
        reason=reason,
        runs=runs or [],
    )


def _told(uid: str, reason: str) -> TriedStudy:
    return TriedStudy(
        study_instance_uid=uid, study_date="", description="", arrived_at=0, reason=reason, runs=[]
    )

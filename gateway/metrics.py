"""What Prometheus reads: all out of the database, so that every process tells the same."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.errors import ArchiveUnavailable
from gateway.following.lag import lag
from gateway.jobs import DEAD_AFTER_SECONDS
from gateway.metric_sums import BOUNDS, FAMILIES
from gateway.replaying import is_dead
from gateway.services import Services
from gateway.store.tables import (
    InstanceRow,
    MetricSumRow,
    QuarantineRow,
    StudyRow,
    WorkerRow,
    WorkitemRow,
)
from standards.ups import State


class _Collected:
    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        with self._services.database.read() as session:
            yield from _sums(session)
            yield from _held(session)
            yield from _queues(session)
            yield from _workers(session)
        yield from _archive(self._services)


def _sums(session: Session) -> Iterator[Metric]:
    rows: dict[str, list[MetricSumRow]] = defaultdict(list)
    for row in session.scalars(select(MetricSumRow).order_by(MetricSumRow.labels)):
        rows[row.family].append(row)
    for name, family in FAMILIES.items():
        metric: Metric
        if family.is_histogram:
            metric = HistogramMetricFamily(name, family.meaning, labels=family.labels)
            for row in rows[name]:
                metric.add_metric(json.loads(row.labels), _buckets(row), row.total)
        else:
            metric = CounterMetricFamily(name, family.meaning, labels=family.labels)
            for row in rows[name]:
                metric.add_metric(json.loads(row.labels), row.total)
        yield metric


def _buckets(row: MetricSumRow) -> list[tuple[str, float]]:
    counts = accumulate(json.loads(row.buckets))
    return list(zip([*map(str, map(float, BOUNDS)), "+Inf"], counts, strict=True))


def _held(session: Session) -> Iterator[Metric]:
    studies = GaugeMetricFamily("airgate_studies", "Studies in the index", labels=["state"])
    of_state = select(StudyRow.state, func.count()).group_by(StudyRow.state)
    for state, count in session.execute(of_state):
        studies.add_metric([state], count)
    yield studies
    instances = session.scalar(select(func.count()).select_from(InstanceRow))
    yield GaugeMetricFamily("airgate_instances", "Instances in the index", value=instances)
    refused = session.scalar(select(func.count()).select_from(QuarantineRow))
    yield GaugeMetricFamily("airgate_quarantined", "Instances in quarantine", value=refused)
    dead = session.scalar(select(func.count()).select_from(WorkitemRow).where(is_dead()))
    yield GaugeMetricFamily("airgate_dead_workitems", "Workitems in the dead letter", value=dead)


def _queues(session: Session) -> Iterator[Metric]:
    """Of work that has not ended; a queue without any is not told."""
    labels = ["queue", "priority"]
    waiting = GaugeMetricFamily("airgate_waiting_workitems", "Workitems SCHEDULED", labels=labels)
    oldest = GaugeMetricFamily(
        "airgate_oldest_waiting_seconds", "Age of the oldest workitem SCHEDULED", labels=labels
    )
    working = GaugeMetricFamily("airgate_working_workitems", "Workitems IN PROGRESS", labels=labels)
    keys = (WorkitemRow.procedure_step_state, WorkitemRow.queue, WorkitemRow.priority)
    unfinished = WorkitemRow.procedure_step_state.in_((State.SCHEDULED, State.IN_PROGRESS))
    query = select(*keys, func.count(), func.min(WorkitemRow.created_at)).where(unfinished)
    now = time.time()
    for state, queue, priority, count, since in session.execute(query.group_by(*keys)):
        if state == State.SCHEDULED:
            waiting.add_metric([queue, priority], count)
            oldest.add_metric([queue, priority], max(0.0, now - since))
        else:
            working.add_metric([queue, priority], count)
    yield from (waiting, oldest, working)


def _workers(session: Session) -> Iterator[Metric]:
    lives = WorkerRow.beat_at > time.time() - DEAD_AFTER_SECONDS
    alive = session.scalar(select(func.count()).select_from(WorkerRow).where(lives))
    yield GaugeMetricFamily("airgate_workers", "Worker processes alive", value=alive)


def _archive(services: Services) -> Iterator[Metric]:
    """Nothing while the archive is away; /health/ready tells that."""
    try:
        found = lag(services.settings, services.database, services.archive)
    except ArchiveUnavailable:
        return
    if found is None:
        return
    yield GaugeMetricFamily(
        "airgate_archive_instances", "Instances in the archive", value=found.held
    )
    yield GaugeMetricFamily(
        "airgate_archive_missing",
        "Indexed instances that are not in what looks like another archive than before",
        value=found.missing,
    )
    if found.behind is not None:
        yield GaugeMetricFamily(
            "airgate_archive_changes_behind",
            "Changes of the archive that are not followed yet",
            value=found.behind,
        )


def exposition(services: Services) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Collected(services))
    return generate_latest(registry)

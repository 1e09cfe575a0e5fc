"""One worker process: it completes studies, and performs workitems, one of each queue at a time."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace

from adapters.garbage import calm_collector
from adapters.runtimes.kept_process import not_withheld
from adapters.runtimes.peaks import Peaks
from adapters.runtimes.pool import ModelPool
from gateway import services
from gateway.archives import connect
from gateway.batches.feeder import SWEEP_SECONDS as FEED_SECONDS
from gateway.batches.feeder import Feeder
from gateway.chores import chores
from gateway.comparison.overlaps import SWEEP_SECONDS as COMPARE_SECONDS
from gateway.comparison.overlaps import Overlaps
from gateway.completion.build import build_completion
from gateway.dispatch import SWEEP_SECONDS, Dispatch
from gateway.engine import JobQueue, Worker, executor_id
from gateway.jobs import Job
from gateway.logs import set_up_logs
from gateway.pipeline import Pipeline
from gateway.repeating import repeating
from gateway.routing.router import Router
from gateway.routing.versions import rules_of
from gateway.settings import Settings
from gateway.stopping import StopSignal
from gateway.store.migrate import migrate

log = logging.getLogger(__name__)


def run(settings: Settings, slot: int, queues: Sequence[str]) -> None:
    """Work until SIGTERM or SIGINT. Raises DatabaseUnusable where there is none to work on."""
    set_up_logs()
    stop = StopSignal()
    database = services.open_database(settings)
    migrate(database)
    parts = services.build(settings, connect(settings), database)
    data = settings.data
    surroundings = replace(services.surroundings_of(settings), output=data / "model-output")
    models = ModelPool(settings.model_memory, Peaks(data / "model-memory"), surroundings)
    for told in not_withheld():
        log.warning(told)
    jobs = JobQueue(database)
    pipeline = Pipeline(
        database,
        parts.archive,
        parts.ingest,
        parts.registry,
        models,
        jobs,
        settings.root_url,
        executor_id(slot),
    )
    _begin_likely_model(parts, models, queues)
    dispatch = Dispatch(database, jobs)

    def perform(job: Job, *, counts: bool) -> None:
        if pipeline.perform(job, counts=counts):
            dispatch.sweep()  # for work that stands in line

    Worker(database, settings.data, slot, perform, queues).start()
    build_completion(settings, database, Router(parts.registry, jobs).route).start()
    calm_collector()
    feeder = Feeder(database, parts.registry, jobs)
    overlaps = Overlaps(database, parts.archive, settings.data)
    unmeasured = "results were not compared; trying again"
    unfed = "batches were not fed; trying again"
    failed = "jobs that are wanted were not made; trying again"
    with (
        repeating(dispatch.sweep, name="dispatch", seconds=SWEEP_SECONDS, failed=failed, log=log),
        repeating(feeder.sweep, name="batches", seconds=FEED_SECONDS, failed=unfed, log=log),
        repeating(
            overlaps.sweep, name="overlaps", seconds=COMPARE_SECONDS, failed=unmeasured, log=log
        ),
        chores(settings, database, jobs),
    ):
        stop.wait()
        # No tidying up: ending the model's process here would look like its crash to the job that
        # waits for it. A job under way is given back as after a kill; the lock goes with the
        # process.
        os._exit(0)


def _begin_likely_model(parts: services.Services, models: ModelPool, queues: Sequence[str]) -> None:
    """Load the first rule's model while the engine starts: the first study need not wait for it."""
    with parts.database.read() as session:
        rules = [rule for rule in rules_of(session) if rule.enabled]
        versions = parts.registry.runnable(session, rules[0].run) if rules else ()
    if versions and versions[0].card.queue in queues:
        models.begin(parts.registry.loadable(versions[0]))

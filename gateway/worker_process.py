"""One worker process: it completes studies, and performs workitems one at a time."""

import os

from adapters.garbage import calm_collector
from adapters.runtimes.python import PythonRuntime
from gateway import services
from gateway.archives import connect
from gateway.completion.build import build_completion
from gateway.engine import JobQueue, Worker
from gateway.logs import set_up_logs
from gateway.pipeline import Pipeline
from gateway.routing.router import Router
from gateway.routing.versions import rules_of
from gateway.settings import Settings
from gateway.stopping import StopSignal
from gateway.store.migrate import migrate


def run(settings: Settings, slot: int) -> None:
    """Work until SIGTERM or SIGINT. Raises DatabaseUnusable where there is none to work on."""
    set_up_logs()
    stop = StopSignal()
    database = services.open_database(settings)
    migrate(database)
    parts = services.build(settings, connect(settings), database)
    runtime = PythonRuntime()
    jobs = JobQueue(database)
    pipeline = Pipeline(
        database,
        parts.archive,
        parts.ingest,
        parts.registry,
        runtime,
        jobs,
        settings.root_url,
    )
    _begin_likely_model(parts, runtime)
    worker = Worker(database, settings.data, slot, pipeline.perform)
    worker.start()
    router = Router(parts.registry, jobs)
    build_completion(settings, database, router.route).start()
    calm_collector()
    stop.wait()
    # No tidying up: ending the model's process here would look like its crash to the job that
    # waits for it. A job under way is given back as after a kill; the lock goes with the process.
    os._exit(0)


def _begin_likely_model(parts: services.Services, runtime: PythonRuntime) -> None:
    """Load the first rule's model while the engine starts: the first study need not wait for it."""
    with parts.database.read() as session:
        rules = [rule for rule in rules_of(session) if rule.enabled]
        model = parts.registry.runnable(session, rules[0].run) if rules else None
    if model is not None:
        runtime.begin(parts.registry.entry_point(model))

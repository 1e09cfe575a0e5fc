"""The pipeline of a worker, with a double in place of the model's process."""

from gateway.jobs import Jobs
from gateway.pipeline import Pipeline
from gateway.services import Services


def pipeline_of(parts: Services, runtime: object, jobs: Jobs) -> Pipeline:
    """runtime: has `predict`, as a pool of models does."""
    return Pipeline(
        parts.database,
        parts.archive,
        parts.ingest,
        parts.registry,
        runtime,  # type: ignore[arg-type]
        jobs,
        "http://gateway.test",
    )

"""Logs: one JSON object a line on standard error: an event with identifiers, no patient data.

Whatever is logged while a job is done carries its workitem and study: see gateway/pipeline.py.
"""

import logging
import sys

import structlog

# What these libraries say at INFO is for their own makers.
QUIET = (
    "alembic",
    "uvicorn",
    "httpx",
    "httpcore",
    "pydicom",
    "highdicom",
    "pynetdicom",
    "dbos",
    "urllib3",
)


def set_up_logs(level: int = logging.INFO) -> None:
    """Send the logs of every module through structlog. Calling it again changes nothing."""
    shared = [
        structlog.contextvars.merge_contextvars,  # the job that a line belongs to
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                render,
            ],
        )
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)

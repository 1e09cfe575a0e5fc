"""The durable engine behind a small port: DBOS, on the same database as the index.

A job is enqueued in the transaction that made the workitem, so neither exists without the other.
Its id is the workitem UID, so one workitem cannot become two jobs. Jobs carry ids, never data.
"""

import fcntl
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from dbos import DBOS, DBOSClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.store.database import Database
from gateway.store.tables import WorkerRow

log = logging.getLogger(__name__)

QUEUE = "workitems"
JOB = "perform_workitem"
# Jobs of an older build are only taken up while this value stays; raise it with the job's form.
JOB_FORM = "1"
POLL_SECONDS = 0.1
BEAT_SECONDS = 2.0
DEAD_AFTER_SECONDS = 6.0
FORGOTTEN_AFTER_SECONDS = 86_400.0

# Waiting time before the next try of a job whose outside (the archive) is away.
BACK_OFF_SECONDS = (0.5, 1, 2, 5, 10, 30, 60)


class TryLater(Exception):
    """The job met something that mends itself; the engine runs it again after a while."""


class JsonSerializer:
    """DBOS pickles by default; ids and null need no more than JSON, which cannot run code."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=repr)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "airgate_json"


class JobQueue:
    """Puts jobs on the queue; for processes that run none."""

    def __init__(self, database: Database) -> None:
        self._client = DBOSClient(
            system_database_url=database.url.render_as_string(hide_password=False),
            serializer=JsonSerializer(),  # type: ignore[arg-type]  (same methods, no base)
            lazy=True,
        )

    def enqueue(self, session: Session, workitem_uid: str) -> None:
        """Enqueue in the caller's transaction; the same workitem again changes nothing."""
        self._client.enqueue_in_transaction(
            session,
            {
                "workflow_name": JOB,
                "queue_name": QUEUE,
                "workflow_id": workitem_uid,
                "app_version": JOB_FORM,
            },
            workitem_uid,
        )

    def close(self) -> None:
        self._client.destroy()


class Worker:
    """Runs jobs one at a time, beats, and takes over from workers that stopped beating.

    perform: does one workitem; may raise TryLater.
    slot: which worker of this machine this is; its lock makes the executor id unique among the
        living and stable over restarts, as DBOS needs to give back what a killed one was doing.
    """

    def __init__(
        self, database: Database, data: Path, slot: int, perform: Callable[[str], None]
    ) -> None:
        self._database, self._perform = database, perform
        self.executor_id = f"{socket.gethostname()}-{slot}"
        self._lock = _lock(data / "locks" / f"{self.executor_id}.lock")
        self._stop = threading.Event()

    def start(self) -> None:
        DBOS(
            config={
                "name": "airgate",
                "system_database_url": self._database.url.render_as_string(hide_password=False),
                "application_version": JOB_FORM,
                "executor_id": self.executor_id,
                "log_level": "WARNING",
                "serializer": JsonSerializer(),  # type: ignore[typeddict-item]
                "use_listen_notify": False,
            }
        )

        @DBOS.workflow(name=JOB, max_recovery_attempts=None)  # claims are counted in the worklist
        def job(workitem_uid: str) -> None:
            self._job(workitem_uid)

        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLL_SECONDS)
        threading.Thread(target=self._beat_on, name="beat", daemon=True).start()

    def stop(self) -> None:
        """Take no new job and return soon; a job under way is given back by its next owner."""
        self._stop.set()
        DBOS.destroy(workflow_completion_timeout_sec=0)
        self._lock.close()

    def _job(self, workitem_uid: str) -> None:
        tries = 0
        while (why := DBOS.run_step({"name": "perform"}, self._try, workitem_uid)) is not None:
            log.warning("job put off", extra={"workitem": workitem_uid, "why": why})
            DBOS.sleep(BACK_OFF_SECONDS[min(tries, len(BACK_OFF_SECONDS) - 1)])
            tries += 1

    def _try(self, workitem_uid: str) -> str | None:
        """Why the job must be tried again, or None. A step answers in JSON, so it never raises."""
        try:
            self._perform(workitem_uid)
        except TryLater as reason:
            return str(reason)
        except Exception as error:  # the worker loop outlives any failure; claims are counted
            log.exception("job failed unexpectedly", extra={"workitem": workitem_uid})
            return type(error).__name__
        return None

    def _beat_on(self) -> None:
        while True:
            try:
                self._beat()
            except Exception:  # the beat outlives any failure of the database
                log.exception("heartbeat failed; trying again")
            if self._stop.wait(BEAT_SECONDS):
                return

    def _beat(self) -> None:
        now = time.time()
        with self._database.write() as session:
            session.merge(WorkerRow(executor_id=self.executor_id, beat_at=now))
            session.execute(
                delete(WorkerRow).where(WorkerRow.beat_at < now - FORGOTTEN_AFTER_SECONDS)
            )
            silent = session.scalars(
                select(WorkerRow.executor_id).where(WorkerRow.beat_at < now - DEAD_AFTER_SECONDS)
            ).all()
        if silent:  # each time, not once: a job may have started just before its worker died
            DBOS._recover_pending_workflows(list(silent))


def _lock(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("ab")
    fcntl.flock(handle, fcntl.LOCK_EX)  # waits for a predecessor that is still ending
    os.set_inheritable(handle.fileno(), False)
    return handle

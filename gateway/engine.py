"""The durable engine behind a small port: DBOS, on the same database as the index.

A job is enqueued in the transaction that made the workitem, so neither exists without the other.
Its id is the workitem UID, so one workitem cannot become two jobs. Jobs carry ids, never data.
"""

import json
import logging
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSClient, EnqueueOptions
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from ai_models.card import OUTSIDE
from gateway import places
from gateway.failures import DATABASE_AWAY, back_off
from gateway.file_lock import locked_file
from gateway.jobs import DEAD_AFTER_SECONDS, QUEUES, Job, Perform, place_in_queue
from gateway.repeating import repeating
from gateway.store.database import Database
from gateway.store.tables import WorkerRow, WorkitemRow

log = logging.getLogger(__name__)

JOB = "perform_workitem"
# Jobs of an older build are only taken up while this value stays; raise it with the job's form.
JOB_FORM = "1"
# Between two looks into a queue. Each look costs an idle worker time; work on a GPU can wait.
POLL_SECONDS = {QUEUES["cpu"]: 0.1, QUEUES["gpu"]: 0.5}
BEAT_SECONDS = 2.0
FORGOTTEN_AFTER_SECONDS = 86_400.0

_ENDED = ("SUCCESS", "ERROR", "CANCELLED")
_AT_ONCE = 500


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
        """Enqueue in the caller's transaction; the same workitem again changes nothing.

        Work for performers outside is no job of ours: they find it in the worklist. What finds no
        place gets its job later, from gateway/dispatch.py.
        """
        row = session.get_one(WorkitemRow, workitem_uid)
        if row.queue == OUTSIDE or not places.ask(session, row):
            return
        options: EnqueueOptions = {
            "workflow_name": JOB,
            "queue_name": QUEUES[row.queue],
            "workflow_id": f"{workitem_uid}#{row.put_offs}" if row.put_offs else workitem_uid,
            "app_version": JOB_FORM,
            "priority": place_in_queue(row.priority, row.stage),
        }
        if row.not_before is not None:
            options["delay_seconds"] = max(0.0, row.not_before - time.time())
        self._client.enqueue_in_transaction(session, options, workitem_uid, row.put_offs)

    def forget(self, before: float) -> int:
        """Delete the jobs that ended before then (seconds since the epoch); how many they were."""
        until = datetime.fromtimestamp(before, UTC).isoformat()
        total = 0
        while True:
            ended = self._client.list_workflows(
                status=list(_ENDED), completed_before=until, limit=_AT_ONCE, load_input=False
            )
            self._client.delete_workflows([one.workflow_id for one in ended])
            total += len(ended)
            if len(ended) < _AT_ONCE:
                return total

    def close(self) -> None:
        self._client.destroy()


class Worker:
    """Runs jobs one at a time, beats, and takes over from workers that stopped beating.

    perform: does one job; may raise what an absent database raises.
    queues: those of QUEUES whose jobs it takes, one of each at a time.
    slot: which worker of this machine this is; its lock makes the executor id unique among the
        living and stable over restarts, as DBOS needs to give back what a killed one was doing.
    """

    def __init__(
        self,
        database: Database,
        data: Path,
        slot: int,
        perform: Perform,
        queues: Sequence[str] = tuple(QUEUES),
    ) -> None:
        self._database, self._perform = database, perform
        self._queues = [QUEUES[name] for name in queues]
        self.executor_id = executor_id(slot)
        # Waits for a predecessor that is still ending.
        self._lock = locked_file(data / "locks" / f"{self.executor_id}.lock")
        self._beating = ExitStack()

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
        def job(workitem_uid: str, put_offs: int = 0) -> None:
            self._do(Job(workitem_uid, put_offs))

        DBOS.listen_queues(self._queues)
        self._beat()  # before the first job, so that its end is noticed whenever it comes
        DBOS.launch()
        for queue in self._queues:
            pause = POLL_SECONDS[queue]
            DBOS.register_queue(queue, worker_concurrency=1, polling_interval_sec=pause)
        failed = "heartbeat failed; trying again"
        beat = repeating(self._live, name="beat", seconds=BEAT_SECONDS, failed=failed, log=log)
        self._beating.enter_context(beat)

    def stop(self) -> None:
        """Take no new job and return soon; a job under way is given back by its next owner."""
        self._beating.close()
        DBOS.destroy(workflow_completion_timeout_sec=0)
        self._lock.close()

    def _do(self, job: Job) -> None:
        """Until it is done or put off. Nothing can be noted while the database is away, so it is
        waited for here; should the worker end meanwhile, the job is given to another.
        """
        tries, counts = 0, True
        while True:
            try:
                return self._perform(job, counts=counts)
            except Exception as error:  # the worker loop outlives any failure; claims are counted
                counts = not isinstance(error, DATABASE_AWAY)
                told = {"workitem": job.workitem_uid, "error": type(error).__name__}
                log.warning("job is done again", extra=told, exc_info=counts)
            time.sleep(back_off(tries))
            tries += 1

    def _live(self) -> None:
        self._beat()
        self._take_over()

    def _beat(self) -> None:
        with self._database.write() as session:
            now = _now(session)
            session.merge(WorkerRow(executor_id=self.executor_id, beat_at=now))

    def _take_over(self) -> None:
        """Give back what silent workers had: each time, not once, since a job may have started
        just before its worker died. Only then is one that was silent for long forgotten.
        """
        with self._database.read() as session:
            now = _now(session)
            silent = session.execute(
                select(WorkerRow.executor_id, WorkerRow.beat_at).where(
                    WorkerRow.beat_at < now - DEAD_AFTER_SECONDS
                )
            ).all()
        if not silent:
            return
        DBOS._recover_pending_workflows([executor_id for executor_id, _ in silent])
        old = [who for who, at in silent if at < now - FORGOTTEN_AFTER_SECONDS]
        if old:
            with self._database.write() as session:
                session.execute(delete(WorkerRow).where(WorkerRow.executor_id.in_(old)))


def executor_id(slot: int) -> str:
    return f"{socket.gethostname()}-{slot}"


def _now(session: Session) -> float:
    """By one clock for all machines: that of the database, where it is a server."""
    if session.get_bind().dialect.name == "sqlite":
        return time.time()
    return float(session.scalar(text("SELECT extract(epoch FROM clock_timestamp())")))

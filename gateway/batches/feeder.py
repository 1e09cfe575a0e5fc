"""Orders the work of running batches, a few workitems at a time, so that queues stay short.

Each worker looks once a second; the lock on the batch's row lets one of them feed it. Line and
workitem change in one transaction, so that a kill at any moment leaves neither without the other.
"""

import time
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ai_models.card import Stage
from gateway.batches.batches import RULE, BatchState, LineState, unfinished
from gateway.batches.listing import STUDY
from gateway.chains.ordering import Order, note_made, order
from gateway.chains.selecting import select_chain
from gateway.completion import COMPLETE, study_of
from gateway.errors import NotFound
from gateway.jobs import Jobs
from gateway.registry import RegisteredModel, Registry
from gateway.routing.priors import earlier_studies
from gateway.store.database import Database
from gateway.store.tables import BatchLineRow, BatchRow, StudyRow

SWEEP_SECONDS = 1.0
MOST_QUEUED = 20  # unfinished workitems of one batch
AT_ONCE = 5  # lines in one transaction


class Unfit(Exception):
    """The model can do nothing with a study. Its words are the reason of the line."""


class Feeder:
    def __init__(self, database: Database, registry: Registry, jobs: Jobs) -> None:
        self._database, self._registry, self._jobs = database, registry, jobs

    def sweep(self) -> None:
        running = select(BatchRow.id).where(BatchRow.state == BatchState.RUNNING)
        with self._database.read() as session:
            batches = session.scalars(running.order_by(BatchRow.created_at)).all()
        for batch_id in batches:
            while self._feed(batch_id):
                pass

    def _feed(self, batch_id: str) -> bool:
        """Order some lines; False when there is nothing to do now."""
        with self._database.write() as session:
            query = select(BatchRow).where(
                BatchRow.id == batch_id, BatchRow.state == BatchState.RUNNING
            )
            batch = session.scalars(query.with_for_update(skip_locked=True)).first()
            if batch is None:
                return False
            working = unfinished(session, batch_id)
            lines = _waiting(session, batch_id, min(AT_ONCE, MOST_QUEUED - working))
            if not lines and not working:
                batch.state, batch.ended_at = BatchState.DONE, time.time()
            for line in lines:
                self._decide(session, batch, line)
            return bool(lines)

    def _decide(self, session: Session, batch: BatchRow, line: BatchLineRow) -> None:
        studies = _studies(session, batch.kind, line.wanted)
        if not studies:
            line.state, line.reason = LineState.NOT_FOUND, f"no such {batch.kind} is here"
            return
        reasons = []
        for study in studies:
            try:
                self._order(session, batch, line, study)
            except Unfit as unfit:
                reasons.append(str(unfit))
            else:
                return
        line.state, line.reason = LineState.UNFIT, "; ".join(dict.fromkeys(reasons))

    def _order(self, session: Session, batch: BatchRow, line: BatchLineRow, row: StudyRow) -> None:
        """Raises Unfit."""
        if row.state != COMPLETE:
            raise Unfit("the study is still arriving")
        study = study_of(session, row.study_instance_uid)
        step = select_chain(
            self._model(batch),
            study.series,
            row.study_date,
            lambda: earlier_studies(session, row),
            lambda name: self._registry.runnable(session, name),
        )
        if step.reason:
            raise Unfit(step.why_none())
        uid = row.study_instance_uid
        ordered = order(session, step, Order(uid, RULE, batch.stage, "LOW"))
        note_made(session, ordered, batch=batch.id)
        for workitem_uid in ordered.ready(session):
            self._jobs.enqueue(session, workitem_uid)
        line.study_instance_uid, line.workitem_uid = uid, ordered.uid
        line.state, line.is_own = LineState.ORDERED, ordered.is_new

    def _model(self, batch: BatchRow) -> RegisteredModel:
        try:
            model = self._registry.version(batch.model_name, batch.model_version)
        except NotFound as error:
            raise Unfit(str(error)) from error
        if model.stage is Stage.RETIRED:
            raise Unfit(f"model {batch.model_name} {batch.model_version} was retired meanwhile")
        return model


def _waiting(session: Session, batch_id: str, most: int) -> Sequence[BatchLineRow]:
    of_batch = BatchLineRow.batch_id == batch_id
    query = select(BatchLineRow).where(of_batch, BatchLineRow.state == LineState.WAITING)
    return session.scalars(query.order_by(BatchLineRow.number).limit(max(most, 0))).all()


def _studies(session: Session, kind: str, wanted: str) -> Sequence[StudyRow]:
    column = StudyRow.study_instance_uid if kind == STUDY else StudyRow.accession_number
    query = select(StudyRow).where(column == wanted).order_by(StudyRow.study_instance_uid)
    return session.scalars(query).all()

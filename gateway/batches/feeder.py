"""Orders the work of running batches, a few workitems at a time, so that queues stay short.

Each worker looks once a second; the lock on the batch's row lets one of them feed it. Line and
workitem change in one transaction, so that a kill at any moment leaves neither without the other.
"""

import time
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ai_models.card import Stage
from gateway import worklist
from gateway.batches.batches import RULE, BatchState, LineState, unfinished
from gateway.batches.listing import STUDY
from gateway.completion import COMPLETE, study_of
from gateway.errors import NotFound
from gateway.jobs import Jobs
from gateway.registry import RegisteredModel, Registry
from gateway.routing.priors import earlier_studies
from gateway.routing.selector import select_all, why_none
from gateway.store.database import Database
from gateway.store.events import note
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
        model, study = self._model(batch), study_of(session, row.study_instance_uid)
        priors = lambda: earlier_studies(session, row)  # noqa: E731 (asked for if a card wants it)
        selections = select_all(model.card.inputs, study.series, row.study_date, priors)
        inputs = {name: one.chosen for name, one in selections.chosen.items() if one.chosen}
        if not inputs:
            raise Unfit(why_none(selections, study))
        uid, is_known = worklist.identity(session, model, inputs, batch.stage)
        if not is_known:
            worklist.create(
                session,
                model,
                row.study_instance_uid,
                inputs,
                RULE,
                priority="LOW",
                stage=batch.stage,
            )
            made = {"model": batch.model_name, "version": batch.model_version, "batch": batch.id}
            note(session, row.study_instance_uid, "workitem_created", made, workitem_uid=uid)
            self._jobs.enqueue(session, uid)
        line.study_instance_uid, line.workitem_uid = row.study_instance_uid, uid
        line.state, line.is_own = LineState.ORDERED, not is_known

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

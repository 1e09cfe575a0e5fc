"""When is a study complete? Evidence says so; then routing decides what is done with it."""

import json
import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Protocol

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.tables import InstanceRow, StudyRow
from standards.study import Series, Study

log = logging.getLogger(__name__)

RECEIVING, COMPLETE = "RECEIVING", "COMPLETE"
SWEEP_SECONDS = 0.1
AGAIN_SECONDS = 30.0


class Evidence(Protocol):
    """What can tell that nothing more will come. The first evidence that speaks wins."""

    name: str

    def complete_at(self, study: StudyRow) -> float | None:
        """When the study is complete by this evidence; None while it cannot say."""
        ...


class QuietTime:
    """No new instance for so many seconds."""

    name = "quiet_time"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def complete_at(self, study: StudyRow) -> float:
        return study.last_arrival_at + self._seconds


def note_arrival(session: Session, study_instance_uids: Collection[str], now: float) -> None:
    """New instances came, in the transaction that indexes them: the study is open (again)."""
    query = select(StudyRow).where(StudyRow.study_instance_uid.in_(study_instance_uids))
    for study in session.scalars(query.with_for_update()):
        if study.state == COMPLETE or study.first_arrival_at == 0:
            study.first_arrival_at = now
        study.state = RECEIVING
        study.last_arrival_at = now


class Completion:
    """Sweeps the open studies. Its state is the study row, so a crash forgets nothing, and the
    check and the change share one transaction, so a study is completed once.

    (A durable timer of the engine was the alternative; its sweep runs once per second, and it
    would need one timer per study.)
    """

    def __init__(
        self,
        database: Database,
        evidence: list[Evidence],
        on_complete: Callable[[Session, Study, StudyRow], None],
    ) -> None:
        self._database, self._evidence, self._on_complete = database, evidence, on_complete
        self._stop = threading.Event()
        self._not_before: dict[str, float] = {}  # studies that failed, and when to try again

    def start(self) -> None:
        threading.Thread(target=self._run, name="completion", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def sweep(self) -> int:
        """Complete every study that is due; how many were."""
        with self._database.read() as session:
            open_studies = session.scalars(
                select(StudyRow).where(StudyRow.state == RECEIVING, StudyRow.last_arrival_at > 0)
            ).all()
        due = [study.study_instance_uid for study in open_studies if self._fired(study)]
        return sum(self._complete_or_wait(uid) for uid in due)

    def _run(self) -> None:
        while not self._stop.wait(SWEEP_SECONDS):
            try:
                self.sweep()
            except Exception:  # the loop outlives any failure; the study stays open
                log.exception("completion sweep failed; trying again")

    def _complete_or_wait(self, uid: str) -> bool:
        """One study that cannot be routed now must not hold up the others."""
        if self._not_before.get(uid, 0.0) > time.time():
            return False
        try:
            completed = self._complete(uid)
        except Exception:  # whatever a rule or a header brings; the study stays open
            log.exception("study was not completed; trying again", extra={"study": uid})
            self._not_before[uid] = time.time() + AGAIN_SECONDS
            return False
        self._not_before.pop(uid, None)
        return completed

    def _fired(self, study: StudyRow) -> Evidence | None:
        now = time.time()
        for evidence in self._evidence:
            at = evidence.complete_at(study)
            if at is not None and at <= now:
                return evidence
        return None

    def _complete(self, uid: str) -> bool:
        with self._database.write() as session:
            study = session.get(StudyRow, uid, with_for_update=True)
            if study is None or study.state != RECEIVING or not (evidence := self._fired(study)):
                return False  # another worker was faster, or another instance came meanwhile
            generation = study.generation + 1
            session.execute(
                update(StudyRow)
                .where(StudyRow.study_instance_uid == uid)
                .values(state=COMPLETE, generation=generation)
            )
            note(session, uid, "complete", {"evidence": evidence.name, "generation": generation})
            self._on_complete(session, study_of(session, uid), study)
        return True


def study_of(session: Session, uid: str) -> Study:
    """The headers of a study as it came from outside: our own results are no input."""
    rows = session.execute(
        select(InstanceRow.series_instance_uid, InstanceRow.header)
        .where(InstanceRow.study_instance_uid == uid, InstanceRow.created_by == "")
        .order_by(InstanceRow.series_instance_uid, InstanceRow.instance_number)
    )
    series: dict[str, list[dict[str, object]]] = {}
    for series_uid, header in rows:
        series.setdefault(series_uid, []).append(json.loads(header))
    return Study(uid, [Series(series_uid, headers) for series_uid, headers in series.items()])

"""What the source of a study has of it, asked for when the study went quiet, as evidence.

Asking happens beside the sweep. The answer is kept with the announcements, and one process of all
asks: whoever writes down first that it does.
"""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.orm import Session

from adapters.errors import SourceSilent
from gateway.completion.arrivals import note_evidence
from gateway.completion.evidence import Case, Complete, Later, Wait
from gateway.completion.expectations import SOURCE, arrived
from gateway.store.database import Database
from gateway.store.tables import ExpectationRow, StudyRow
from standards.announcements import StepStatus

ANY = "*"  # stands for every other title, and for what came without one
AT_ONCE = 4  # sources that are asked
GIVEN_UP_AFTER_SECONDS = 30.0  # an answer for which nobody waits any more: the asker is dead

log = logging.getLogger(__name__)


class State(StrEnum):
    ASKED = "ASKED"
    ANSWERED = StepStatus.COMPLETED.value  # as an announcement that is all there
    SILENT = "SILENT"


@dataclass(frozen=True)
class SourceCounts:
    """The source has no more than has come, or it has.

    sources: where to ask, by calling AE title or ANY. ask: (where, Study Instance UID) ->
    instances; may raise SourceSilent. after_seconds: of quiet before it is asked.
    """

    database: Database
    sources: Mapping[str, str]
    ask: Callable[[str, str], int]
    after_seconds: float
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE, thread_name_prefix="source-count")
    )

    name = "source_count"

    def judge(self, case: Case) -> Complete | Wait | Later | None:
        title = case.study.calling_ae_title
        title = title if title in self.sources else ANY
        if title not in self.sources:
            return None
        row = case.session.get(ExpectationRow, (case.uid, SOURCE))
        if row is None or row.noted_at < case.study.last_arrival_at:
            return self._ask(case, title)
        if row.state == State.ASKED:
            asked = Wait({"asked": title})
            return asked if case.now < row.noted_at + GIVEN_UP_AFTER_SECONDS else None
        if row.state == State.SILENT or row.instances is None:
            return None
        there = arrived(case.session, case.uid)
        knew = {"source": title, "expected": row.instances, "arrived": there}
        return Complete(row.noted_at, knew) if there >= row.instances else Wait(knew)

    def _ask(self, case: Case, title: str) -> Wait | Later:
        at = case.study.last_arrival_at + self.after_seconds
        if case.now < at:
            return Later(at)
        self.threads.submit(self._asked, case.uid, title, case.now)
        return Wait({"asked": title})

    def _asked(self, study: str, title: str, now: float) -> None:
        try:
            if self._is_first(study, now):
                self._answered(study, *self._answer(study, title), now)
        except Exception:  # the pool outlives any failure; quiet time decides
            log.exception("a source was not asked for its count", extra={"study": study})

    def _is_first(self, study: str, now: float) -> bool:
        with self.database.write() as session:
            row = session.get(StudyRow, study, with_for_update=True)
            known = session.get(ExpectationRow, (study, SOURCE))
            if row is None or (known is not None and known.noted_at >= row.last_arrival_at):
                return False
            _put(session, study, State.ASKED, None, now)
            return True

    def _answer(self, study: str, title: str) -> tuple[State, int | None]:
        try:
            return State.ANSWERED, self.ask(self.sources[title], study)
        except SourceSilent as error:
            told = {"study": study, "calling_ae_title": title}
            log.warning("%s", error, extra=told)
            return State.SILENT, None

    def _answered(self, study: str, state: State, instances: int | None, now: float) -> None:
        with self.database.write() as session:
            _put(session, study, state, instances, now)


def _put(session: Session, study: str, state: State, instances: int | None, now: float) -> None:
    session.merge(
        ExpectationRow(
            study_instance_uid=study,
            announced_by=SOURCE,
            state=state,
            instances=instances,
            sop_instance_uids="",
            noted_at=now,
        )
    )
    note_evidence(session, [study], time.time())

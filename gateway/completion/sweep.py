"""The sweep over open studies: it asks the evidence, and completes what is due."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from gateway.completion.arrivals import COMPLETE, RECEIVING, study_of
from gateway.completion.evidence import Case, Evidence, Later, Policy, Wait
from gateway.completion.quiet import DAY, QuietTime
from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.tables import EventRow, StudyRow
from standards.study import Study

log = logging.getLogger(__name__)

SWEEP_SECONDS = 0.1
AGAIN_SECONDS = 30.0
# A verdict holds while nothing is noted of the study; of associations whose listener died, and of
# rules that were changed, nothing is.
VERDICT_SECONDS = 10.0

PolicyOf = Callable[[Session, StudyRow], Policy]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A study is complete at `at`, by this evidence, unless something more is noted of it.

    until: when the evidence is to be asked again in any case.
    """

    at: float
    evidence: str
    knew: Mapping[str, Any]
    until: float


@dataclass(frozen=True, slots=True)
class _Judged:
    stamp: tuple[float, float]
    verdict: Verdict


class Completion:
    """Sweeps the open studies. Its state is the study row, so a crash forgets nothing, and the
    check and the change share one transaction, so a study is completed once.

    (A durable timer of the engine was the alternative; its sweep runs once per second, and it
    would need one timer per study.)

    evidence: the strongest first; quiet time comes after all of it. policy_of: what the routes of
    a study ask for. clock: seconds since the epoch.
    """

    def __init__(  # noqa: PLR0913 (the parts that meet here)
        self,
        database: Database,
        quiet: QuietTime,
        on_complete: Callable[[Session, Study, StudyRow], None],
        *,
        evidence: Sequence[Evidence] = (),
        policy_of: PolicyOf = lambda _session, _study: Policy(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._on_complete = database, on_complete
        self._quiet, self._evidence, self._policy_of = quiet, evidence, policy_of
        self._clock = clock
        self._stop = threading.Event()
        self._not_before: dict[str, float] = {}  # studies that failed, and when to try again
        self._judged: dict[str, _Judged] = {}

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
            known = {row.study_instance_uid: self._known(session, row) for row in open_studies}
        self._judged = known
        due = [uid for uid, judged in known.items() if judged.verdict.at <= self._clock()]
        return sum(self._complete_or_wait(uid) for uid in due)

    def _run(self) -> None:
        wait = SWEEP_SECONDS
        while not self._stop.wait(wait):
            try:
                self.sweep()
                wait = self._until_next()
            except Exception:  # the loop outlives any failure; the study stays open
                log.exception("completion sweep failed; trying again")

    def _until_next(self) -> float:
        """Seconds until the next sweep: sooner, where a study is due sooner."""
        now = self._clock()
        verdicts = [one.verdict for one in self._judged.values()]
        ahead = (at - now for one in verdicts for at in (one.at, one.until))
        return min([SWEEP_SECONDS, *(seconds for seconds in ahead if seconds > 0)])

    def _known(self, session: Session, study: StudyRow) -> _Judged:
        """As judged before, where nothing was noted of the study since."""
        stamp = (study.last_arrival_at, study.evidence_at)
        before = self._judged.get(study.study_instance_uid)
        if before and before.stamp == stamp and self._clock() < before.verdict.until:
            return before
        return _Judged(stamp, self._verdict(session, study))

    def _verdict(self, session: Session, study: StudyRow) -> Verdict:
        now = self._clock()
        earlier = _completions(session, study, now - DAY)
        case = Case(session, study, now, self._policy_of(session, study), earlier)
        missing: dict[str, Any] = {}
        until = now + VERDICT_SECONDS
        for evidence in self._evidence:
            word = evidence.judge(case)
            if isinstance(word, Wait):
                missing[evidence.name] = word.knew
            elif isinstance(word, Later):
                until = min(until, word.at)
            elif word is not None and not missing:
                return Verdict(self._backed_off(case, word.at), evidence.name, word.knew, until)
        at_last = self._quiet.judge(case, missing)
        return Verdict(at_last.at, self._quiet.name, at_last.knew, until)

    def _backed_off(self, case: Case, at: float) -> float:
        """No evidence is quicker than the quiet time of a study that was complete before."""
        if not case.earlier:
            return at
        return max(at, case.study.last_arrival_at + self._quiet.patience(case))

    def _complete_or_wait(self, uid: str) -> bool:
        """One study that cannot be routed now must not hold up the others."""
        if self._not_before.get(uid, 0.0) > self._clock():
            return False
        try:
            completed = self._complete(uid)
        except Exception:  # whatever a rule or a header brings; the study stays open
            log.exception("study was not completed; trying again", extra={"study": uid})
            self._not_before[uid] = self._clock() + AGAIN_SECONDS
            return False
        self._not_before.pop(uid, None)
        return completed

    def _complete(self, uid: str) -> bool:
        with self._database.write() as session:
            study = session.get(StudyRow, uid, with_for_update=True)
            if study is None or study.state != RECEIVING:
                return False  # another worker was faster
            verdict = self._verdict(session, study)
            if verdict.at > self._clock():
                return False  # another instance came meanwhile
            generation = study.generation + 1
            session.execute(
                update(StudyRow)
                .where(StudyRow.study_instance_uid == uid)
                .values(state=COMPLETE, generation=generation)
            )
            now = self._clock()
            waited = round(now - study.last_arrival_at, 3)
            known = {"evidence": verdict.evidence, "generation": generation, **verdict.knew}
            note(session, uid, "complete", {**known, "waited": waited}, at=now)
            self._on_complete(session, study_of(session, uid), study)
        return True


def _completions(session: Session, study: StudyRow, since: float) -> int:
    if study.generation == 0:
        return 0
    query = select(func.count()).where(
        EventRow.study_instance_uid == study.study_instance_uid,
        EventRow.kind == "complete",
        EventRow.at >= since,
    )
    return session.scalar(query) or 0

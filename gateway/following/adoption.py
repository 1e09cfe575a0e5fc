"""Taking what was found in the archive into the index, as if it had just been sent.

Its bytes stay where they are, whatever becomes of them: an Orthanc may be others' too. What cannot
be indexed is told under /api/v1/quarantine, with its reason.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from gateway.following.arrival import has_arrived, settle
from gateway.following.judging import Found, Judged, judged
from gateway.following.results import is_published, workitem_behind
from gateway.index import Indexed, Kept, Refused
from gateway.quarantine import in_archive
from gateway.services import Services
from gateway.store.events import note
from gateway.store.tables import QuarantineRow
from standards.store_response import FailureReason
from standards.ups import State

FAILED_WORK = "it belongs to a model's work that ended without it, so it is no result"
UNFIT = "its header holds a value that the database does not take"

log = logging.getLogger(__name__)

Answered = Sequence[tuple[Judged, Indexed | Refused]]


@dataclass(slots=True)
class Adopted:
    """What became of found instances.

    waiting: keys of those that must be looked at again: their work, or their deletion, is under
    way, or the archive got other bytes for them meanwhile.
    """

    indexed: int = 0
    refused: int = 0
    waiting: list[str] = field(default_factory=list)

    def __iadd__(self, other: "Adopted") -> "Adopted":
        self.indexed += other.indexed
        self.refused += other.refused
        self.waiting += other.waiting
        return self


class Changed(Exception):
    """The archive holds other bytes than were read, or none: keys."""

    def __init__(self, keys: set[str]) -> None:
        self.keys = keys


def nothing(_session: Session) -> None:
    """What else a transaction does: nothing."""


class Adopter:
    """Reads, judges and indexes found instances. Use it from one thread."""

    def __init__(self, parts: Services) -> None:
        self._parts, self._database = parts, parts.database

    def adopt(self, found: Sequence[Found], also: Callable[[Session], None] = nothing) -> Adopted:
        """Index what can be, in one transaction in which `also` takes part.

        An instance that the index has by now counts as done. Raises ArchiveUnavailable, and
        OperationalError when the database cannot work now; then nothing of it was done.
        """
        ready = [one for each in found if (one := judged(self._parts, each)) is not None]
        try:
            return self._index_unchanged(ready, also)
        except OperationalError:
            raise
        except DBAPIError:
            log.exception("found instances do not fit into the index")
        adopted = Adopted()
        for one in ready:  # one of them; it must not hold up the others
            adopted += self._index_or_refuse(one)
        with self._database.write() as session:
            also(session)
        return adopted

    def _index_or_refuse(self, one: Judged) -> Adopted:
        try:
            return self._index_unchanged([one], nothing)
        except OperationalError:
            raise
        except DBAPIError:
            return self._index_unchanged([_unfit(one)], nothing)

    def _index_unchanged(self, ready: Sequence[Judged], also: Callable[[Session], None]) -> Adopted:
        """Without those that were replaced or deleted since they were read."""
        try:
            return self._index(ready, also)
        except Changed as changed:
            adopted = self._index([one for one in ready if one.key not in changed.keys], also)
            adopted.waiting += changed.keys
            return adopted

    def _index(self, ready: Sequence[Judged], also: Callable[[Session], None]) -> Adopted:
        began = time.time()
        with self._database.write() as session:
            ours = {one.key: _with_its_work(session, one) for one in ready}
            answers = self._answers(session, [one for one in ours.values() if one is not None])
            self._check_unchanged(ready)
            waiting = [key for key, one in ours.items() if one is None]
            waiting += [one.key for one, answer in answers if _is_for_now(answer)]
            final = [(one, answer) for one, answer in answers if not _is_for_now(answer)]
            self._note(session, final, began)
            also(session)
        refused = sum(isinstance(answer, Refused) for _, answer in final)
        return Adopted(len(final) - refused, refused, waiting)

    def _answers(self, session: Session, ready: Sequence[Judged]) -> Answered:
        """Rows in the caller's transaction: one call for those of one maker and one sender."""
        answers: list[tuple[Judged, Indexed | Refused]] = []
        for maker in dict.fromkeys(_maker(one) for one in ready):
            group = [one for one in ready if _maker(one) == maker]
            created_by, calling, called = maker
            indexed = self._parts.ingest.index(
                session,
                [one.answer for one in group],
                created_by,
                calling_ae_title=calling,
                called_ae_title=called,
            )
            answers += zip(group, indexed, strict=True)
        return answers

    def _check_unchanged(self, ready: Sequence[Judged]) -> None:
        """Now that the index holds their studies, no request of the gateway can change these."""
        keys = {one.key for one in ready if isinstance(one.answer, Kept)}
        now = {held.key: held for held in self._parts.archive.held(sorted(keys))}
        changed = {
            one.key for one in ready if one.key in keys and now.get(one.key) != one.found.held
        }
        if changed:
            raise Changed(changed)

    def _note(self, session: Session, answers: Answered, began: float) -> None:
        """Arrivals, trace and quarantine, as for what was sent."""
        studies: dict[str, list[tuple[Judged, Indexed]]] = {}
        for one, answer in answers:
            if isinstance(answer, Indexed) and answer.new:
                studies.setdefault(answer.study_instance_uid, []).append((one, answer))
        arrived = {study for study, new in studies.items() if has_arrived(session, study, new)}
        if arrived:
            self._parts.ingest.on_arrival(session, arrived, time.time())
        for study, new in studies.items():
            _note_found(session, study, new, began, runs=study in arrived)
            if study not in arrived:
                settle(session, study, [one.found for one, _ in new])
        told = _leave_quarantine(session, answers)
        refused = [(one, a) for one, a in answers if isinstance(a, Refused)]
        _note_refused(session, [(one, a) for one, a in refused if told.get(one.key) != a.reason])


def _unfit(one: Judged) -> Judged:
    """Told instead of tried for ever."""
    if isinstance(one.answer, Refused):
        return one
    refused = one.answer.refused(FailureReason.PROCESSING_FAILURE, UNFIT)
    return replace(one, answer=replace(refused, study_instance_uid=""))


def _with_its_work(session: Session, one: Judged) -> Judged | None:
    """A result with who made it; None while that work is under way."""
    if not one.device_uid or isinstance(one.answer, Refused):
        return one
    workitem = workitem_behind(session, one.answer, one.device_uid)
    if workitem is None:  # another gateway's, or of a database that was lost
        return replace(one, created_by=one.device_uid)
    state = workitem.procedure_step_state
    if state in (State.SCHEDULED, State.IN_PROGRESS):
        return None
    if not is_published(workitem, one.answer, one.device_uid):
        refused = one.answer.refused(FailureReason.PROCESSING_FAILURE, FAILED_WORK)
        return replace(one, answer=refused)
    return replace(one, created_by=workitem.sop_instance_uid)


def _is_for_now(answer: Indexed | Refused) -> bool:
    return isinstance(answer, Refused) and answer.failure_reason == FailureReason.OUT_OF_RESOURCES


def _maker(one: Judged) -> tuple[str, str, str]:
    held = one.found.held
    return one.created_by, held.calling_ae_title, held.called_ae_title


def _note_found(
    session: Session, study: str, new: Sequence[tuple[Judged, Indexed]], began: float, *, runs: bool
) -> None:
    held = new[0][0].found.held
    detail: dict[str, object] = {
        "seconds": round(time.time() - began, 3),
        "instances": len(new),
        "bytes": sum(indexed.size for _, indexed in new),
        "source": held.service or "archive",
        "calling_ae_title": held.calling_ae_title,
        "called_ae_title": held.called_ae_title,
    }
    if not runs:
        detail["models"] = "none are run on these"
    note(session, study, "found", detail)


def _leave_quarantine(session: Session, answers: Answered) -> dict[str, str]:
    """Rows of those that are judged otherwise now go. Returns the reasons of those that stay."""
    paths = {in_archive(one.key): (one.key, answer) for one, answer in answers}
    told: dict[str, str] = {}
    for row in session.scalars(select(QuarantineRow).where(QuarantineRow.path.in_(paths))):
        key, answer = paths[row.path]
        if isinstance(answer, Refused) and answer.reason == row.reason:
            told[key] = row.reason
        else:
            session.delete(row)
    return told


def _note_refused(session: Session, refused: Sequence[tuple[Judged, Refused]]) -> None:
    for one, why in refused:
        session.add(
            QuarantineRow(
                study_instance_uid=why.study_instance_uid,
                sop_instance_uid=why.sop_instance_uid,
                reason=why.reason,
                path=in_archive(one.key),
                size=one.found.held.size,
                received_at=time.time(),
            )
        )
    counts = Counter((why.study_instance_uid, why.reason) for _, why in refused)
    for (study, reason), count in counts.items():
        log.warning("found instances are not indexed: %s", reason, extra={"instances": count})
        if study:
            detail = {"instances": count, "reason": reason, "source": "archive"}
            note(session, study, "refused", detail)

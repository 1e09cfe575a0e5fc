"""One request on its way in: parts are archived while the next ones arrive, then indexed."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from adapters.errors import ArchiveRefused, ArchiveUnavailable, NotInArchive
from gateway.errors import GatewayError
from gateway.index import Indexed, Kept, Refused, unnamed
from gateway.keeping import Undecided
from gateway.part import Part
from gateway.quarantine import worth_keeping
from gateway.reading import Readable
from gateway.retrieve.disk_cache import LARGE
from gateway.settling import not_settled
from gateway.store.events import note
from gateway.store.tables import StudyRow
from standards.store_response import FailureReason, StoreResult

if TYPE_CHECKING:
    from gateway.ingest import Ingest

WAITING = 8  # parts that one request may have in memory or spool before the next is read

TOO_MANY_HEADERS = (
    "the headers of this request's instances take more memory than is left for them; "
    "send fewer instances in one request"
)

log = logging.getLogger(__name__)

Kind = Kept | Refused | Undecided


class IndexUnavailable(GatewayError):
    """The database cannot take the rows now; nothing of the request was kept as far as it says."""

    status = 503

    def __init__(self, found: str) -> None:
        super().__init__(
            f"the index cannot be written: {found}; check the database and its disk, "
            "then send again"
        )


@dataclass(frozen=True, slots=True)
class Source:
    """Who sent it, by which service, from which IP address, and since when (epoch seconds).

    source_address: of whoever connected: behind a proxy, the proxy's.
    """

    service: str = "STOW-RS"
    calling_ae_title: str = ""
    called_ae_title: str = ""
    source_address: str = ""
    began_at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class StoreOutcome:
    """What became of a request. new_studies: those that got instances they had not before."""

    result: StoreResult
    indexed: tuple[Indexed, ...] = ()

    @property
    def new_studies(self) -> set[str]:
        return {each.study_instance_uid for each in self.indexed if each.new}


class Reception:
    """Close it at the end, or use it as a context manager.

    Without `finish`, nothing is indexed, and what was archived for it leaves the archive again. A
    C-STORE is one request per instance, so its trace is written when the association ends.
    """

    def __init__(
        self, ingest: "Ingest", source: Source, study_instance_uid: str | None = None
    ) -> None:
        self._ingest = ingest
        self._source = source
        self._study_instance_uid = study_instance_uid
        self._futures: list[Future[Kind]] = []
        self._parts: list[Part] = []  # that may still be in the spool
        self._headers = ingest.header_memory.lease()
        self._known_studies: dict[str, bool] = {}
        self._aside: list[tuple[Path, Refused]] = []
        self._closed = False

    def __enter__(self) -> "Reception":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for what is under way.

        What a request that broke off had archived stays there, named by no row: to delete it was
        seen to race with another request for the same instances, and to lose acknowledged bytes.
        The next send, the follower or `airgate index verify --repair` takes it up.
        """
        self._closed = True  # whatever has not begun yet is let go of
        wait(self._futures)
        for part in self._parts:
            part.discard()
        for path, _ in self._aside:
            path.unlink(missing_ok=True)
        self._headers.release()

    def add(self, part: Part | Refused) -> Future[Kind] | None:
        """Hand over one part, or why it is none. What is returned is to be waited for before the
        next one is read."""
        if isinstance(part, Refused):
            self._futures.append(_done(part))
            return None
        if part.spooled:
            self._parts.append(part)
        self._futures.append(self._ingest.threads.submit(self._keep, part))
        return self._futures[-WAITING] if len(self._futures) >= WAITING else None

    def finish(self) -> StoreOutcome:
        """Index all parts; set aside, with its reason, what is refused.

        One transaction, but for instances of which the archive had something already.
        """
        try:
            answers = [future.result() for future in self._futures]
            return self._indexed(answers)
        except OperationalError as error:
            raise IndexUnavailable(str(error.orig)) from error

    def _indexed(self, answers: Sequence[Kind]) -> StoreOutcome:
        plain = [each for each in answers if not isinstance(each, Undecided)]
        with self._ingest.database.write() as session:
            written = iter(self._written(session, plain))
        self._aside.clear()  # their rows are committed
        undecided = [each for each in answers if isinstance(each, Undecided)]
        settled = iter(self._settled(undecided))
        final = [next(settled if isinstance(each, Undecided) else written) for each in answers]
        indexed = tuple(each for each in final if isinstance(each, Indexed))
        refused = tuple(each for each in final if isinstance(each, Refused))
        stored = tuple(each.identity for each in indexed)
        return StoreOutcome(StoreResult(stored, refused), indexed)

    def _written(
        self, session: Session, plain: Sequence[Kept | Refused]
    ) -> list[Indexed | Refused]:
        answers = self._ingest.index(
            session,
            plain,
            calling_ae_title=self._source.calling_ae_title,
            called_ae_title=self._source.called_ae_title,
        )
        for before, answer in zip(plain, answers, strict=True):
            if isinstance(before, Kept) and isinstance(answer, Refused):
                self._set_aside(session, before, answer)
        self._note(session, answers)
        arrived = {e.study_instance_uid for e in answers if isinstance(e, Indexed) and e.new}
        if arrived:
            self._ingest.on_arrival(session, arrived, time.time())
        return answers

    def _settled(self, undecided: Sequence[Undecided]) -> list[Indexed | Refused]:
        """One by one; see gateway/settling.py. Their trace is written at the end."""
        if not undecided:
            return []
        answers = [self._settle(each) for each in undecided]
        for each, answer in zip(undecided, answers, strict=True):
            if isinstance(answer, Refused) and _is_final(answer):
                content = each.readable.part.content
                self._aside.append((self._ingest.quarantine.put(content), answer))
        with self._ingest.database.write() as session:
            self._note(session, answers)
        self._aside.clear()
        return answers

    def _settle(self, undecided: Undecided) -> Indexed | Refused:
        titles = self._source.calling_ae_title, self._source.called_ae_title
        try:
            return self._ingest.settler.settle(undecided, *titles)
        except ArchiveRefused as error:
            return undecided.kept.refused(FailureReason.CANNOT_UNDERSTAND, str(error))
        except (ArchiveUnavailable, NotInArchive, OSError, OperationalError) as error:
            return not_settled(undecided, error)

    def _note(self, session: Session, answers: Sequence[Indexed | Refused]) -> None:
        """Quarantine and trace of these answers."""
        for path, refused in self._aside:
            self._ingest.quarantine.note(session, path, refused)
        if self._source.service != "C-STORE":
            note_received(session, self._source, [e for e in answers if isinstance(e, Indexed)])
        _note_refused(session, self._source, [e for e in answers if isinstance(e, Refused)])
        _note_sender(session, self._source, [e for e in answers if isinstance(e, Indexed)])

    def _keep(self, part: Part) -> Kind:
        if self._closed:
            part.discard()
            return Refused(FailureReason.PROCESSING_FAILURE, "the request broke off")
        readable: Readable | Refused | None = None
        waits = False
        try:
            readable = self._ingest.reader.read(part, self._study_instance_uid, coerce=True)
            answer = readable if isinstance(readable, Refused) else self._kept(readable)
            waits = isinstance(answer, Undecided)
            self._quarantine(part, answer)
            if isinstance(readable, Readable) and isinstance(answer, Kept) and answer.archived:
                self._leave_at_hand(readable)
        except ArchiveUnavailable as error:
            answer = _not_now(readable, str(error))
        except OSError as error:  # the disk of the spool or the quarantine
            answer = _not_now(readable, f"no room to take it in ({error.strerror})")
        finally:
            if not waits:
                _discard(part, readable)
        return answer

    def _leave_at_hand(self, readable: Readable) -> None:
        """A large instance is looked at soon, and lies in a file of its own already."""
        part, copies = readable.part, self._ingest.copies
        if copies is not None and part.spooled and isinstance(part.content, Path):
            instance = readable.kept.instance
            if part.size >= LARGE:
                copies.adopt(instance["sop_instance_uid"], instance["sha256"], part.content)

    def _quarantine(self, part: Part, answer: Kind) -> None:
        if (
            isinstance(answer, Refused)
            and _is_final(answer)
            and worth_keeping(part.content, answer)
        ):
            self._aside.append((self._ingest.quarantine.put(part.content), answer))

    def _kept(self, readable: Readable) -> Kind:
        if not self._headers.grow(len(readable.kept.instance["header"])):
            return readable.kept.refused(FailureReason.OUT_OF_RESOURCES, TOO_MANY_HEADERS)
        study = readable.kept.identity.study_instance_uid
        answer = self._ingest.keeper.keep(readable, new_study=self._is_new(study))
        if not isinstance(answer, Undecided):
            return answer
        waiting = readable.part.on_disk(self._ingest.spool)
        self._parts.append(waiting)
        return Undecided(Readable(waiting, readable.kept), answer.archive_key)

    def _is_new(self, study_instance_uid: str) -> bool:
        """Whether the index did not know the study when its first instance was handed over."""
        if study_instance_uid not in self._known_studies:
            known = self._ingest.keeper.knows_study(study_instance_uid)
            self._known_studies.setdefault(study_instance_uid, known)
        return not self._known_studies[study_instance_uid]

    def _set_aside(self, session: Session, kept: Kept, refused: Refused) -> None:
        """What the index refuses goes from the archive to the quarantine.

        Unless its key names the instance that won by now: then that one's bytes lie there.
        """
        if not _is_final(refused) or not unnamed(session, [kept]):
            return
        try:
            content = self._ingest.archive.stream(kept.archive_key)
            self._aside.append((self._ingest.quarantine.put(content), refused))
            if kept.archived:
                self._ingest.archive.delete(kept.archive_key)
        except (ArchiveUnavailable, NotInArchive) as error:
            log.warning("a refused instance was not set aside: %s", error)


def note_received(session: Session, source: Source, indexed: Sequence[Indexed]) -> None:
    """One line of trace for each study that a request, or an association, brought."""
    for study in dict.fromkeys(each.study_instance_uid for each in indexed):
        of_study = [each for each in indexed if each.study_instance_uid == study]
        counts = Counter(each.new for each in of_study)
        replaced = sum(each.replaced for each in of_study)
        detail = {
            "seconds": round(time.time() - source.began_at, 3),
            "instances": len(of_study),
            "new": counts[True] - replaced,
            "bytes": sum(each.size for each in of_study),
            "source": source.service,
            "calling_ae_title": source.calling_ae_title,
            "called_ae_title": source.called_ae_title,
        }
        note(session, study, "received", detail)
        if replaced:
            note(session, study, "replaced", {"instances": replaced, "source": source.service})


def _note_refused(session: Session, source: Source, refusals: Iterable[Refused]) -> None:
    reasons = Counter(
        (each.study_instance_uid, each.reason, each.failure_reason) for each in refusals
    )
    for (study, reason, failure), count in reasons.items():
        detail = {
            "instances": count,
            "reason": reason,
            "failure": failure.name.lower(),
            "source": source.service,
        }
        note(session, study, "refused", detail)


def _note_sender(session: Session, source: Source, indexed: Iterable[Indexed]) -> None:
    """The address is kept beside the AE titles, for routing."""
    studies = {each.study_instance_uid for each in indexed if each.new}
    if studies and source.source_address:
        session.execute(
            update(StudyRow)
            .where(
                StudyRow.study_instance_uid.in_(studies),
                StudyRow.source_address != source.source_address,
            )
            .values(source_address=source.source_address)
            .execution_options(synchronize_session=False)
        )


def _is_final(refused: Refused) -> bool:
    """Sending it again will not help."""
    return refused.failure_reason != FailureReason.OUT_OF_RESOURCES


def _discard(part: Part, readable: Readable | Refused | None) -> None:
    part.discard()
    if isinstance(readable, Readable):
        readable.part.discard()  # another one, where something was added to it


def _done(refused: Refused) -> Future[Kind]:
    future: Future[Kind] = Future()
    future.set_result(refused)
    return future


def _not_now(readable: Readable | Refused | None, reason: str) -> Refused:
    """A part that may be sent again later, with the UIDs that the sender needs for that."""
    if isinstance(readable, Readable):
        return readable.kept.refused(FailureReason.OUT_OF_RESOURCES, reason)
    return readable or Refused(FailureReason.OUT_OF_RESOURCES, reason)

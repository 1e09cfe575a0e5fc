"""How instances come in: parse, refuse what cannot be kept, archive, index; only then say so.

Bytes are durable in the archive before the index names them, and an answer of success follows the
commit. What a crash leaves between the two is bytes that nothing names: the sender was told
nothing, sends again, and the same bytes land under the same key.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from adapters.archive import Archive
from adapters.errors import ArchiveUnavailable, NotInArchive
from gateway.errors import GatewayError
from gateway.index import OTHER_CONTENT, Indexed, Kept, Refused, index
from gateway.keeping import Keeper, Part, read
from gateway.quarantine import Quarantine, worth_keeping
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.events import note
from standards.store_response import FailureReason, StoreResult

__all__ = [
    "IndexUnavailable",
    "Indexed",
    "Ingest",
    "Kept",
    "Part",
    "Reception",
    "Refused",
    "StoreOutcome",
]

ARCHIVING = 4  # parts on their way into the archive at once; Orthanc gains nothing from more
WAITING = 8  # parts that one request may have in memory or spool before the next is read

log = logging.getLogger(__name__)

OnArrival = Callable[[Session, set[str], float], None]


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
    """Who sent it, by which service, and since when (seconds since the epoch)."""

    service: str = "STOW-RS"
    calling_ae_title: str = ""
    called_ae_title: str = ""
    began_at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class StoreOutcome:
    """What became of a request. new_studies: those that got instances they had not before."""

    result: StoreResult
    indexed: tuple[Indexed, ...] = ()

    @property
    def new_studies(self) -> set[str]:
        return {each.study_instance_uid for each in self.indexed if each.new}


class Ingest:
    """The way in, for STOW-RS, C-STORE and the gateway's own results alike.

    on_arrival(session, study_instance_uids, now) is called in the transaction that commits new
    instances, so that an arrival is known exactly if its instances are.
    """

    def __init__(
        self, database: Database, archive: Archive, settings: Settings, on_arrival: OnArrival
    ) -> None:
        self.database = database
        self.archive = archive
        self.on_arrival = on_arrival
        self.quarantine = Quarantine(settings.data / "quarantine")
        self.keeper = Keeper(database, archive)
        self.threads = ThreadPoolExecutor(ARCHIVING, thread_name_prefix="ingest")
        self.claims = Claims()

    def close(self) -> None:
        self.threads.shutdown(wait=True)

    def keep(self, parts: Iterable[Part]) -> list[Kept | Refused]:
        """Parse and archive, in the order of the parts; the index is not written.

        Raises ArchiveUnavailable when one cannot be stored now; what can never be is Refused.
        """
        return list(self.threads.map(self._keep, parts))

    def index(
        self, session: Session, kept: Sequence[Kept | Refused], created_by: str = ""
    ) -> list[Indexed | Refused]:
        """Write the rows in the caller's transaction; see gateway.index."""
        return index(session, kept, created_by)

    def receive(
        self,
        parts: Iterable[Part],
        *,
        study_instance_uid: str | None = None,
        calling_ae_title: str = "",
        called_ae_title: str = "",
        service: str = "STOW-RS",
    ) -> StoreOutcome:
        """Keep and index in one go; when this returns, what it calls stored is safe."""
        source = Source(service, calling_ae_title, called_ae_title)
        with Reception(self, source, study_instance_uid) as reception:
            for part in parts:
                if (earlier := reception.add(part)) is not None:
                    wait([earlier])
            return reception.finish()

    def _keep(self, part: Part) -> Kept | Refused:
        readable = read(part)
        return readable if isinstance(readable, Refused) else self.keeper.keep(readable)


class Reception:
    """One request on its way in: parts are archived while the next ones arrive.

    Close it at the end, or use it as a context manager. A C-STORE is one request per instance, so
    its trace is written when the association ends, not here.
    """

    def __init__(
        self, ingest: Ingest, source: Source, study_instance_uid: str | None = None
    ) -> None:
        self._ingest = ingest
        self._source = source
        self._study_instance_uid = study_instance_uid
        self._futures: list[Future[Kept | Refused]] = []
        self._spooled: list[Part] = []
        self._claimed: list[str] = []
        self._known_studies: dict[str, bool] = {}
        self._aside: list[tuple[Path, Refused]] = []

    def __enter__(self) -> "Reception":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for what is under way; without `finish`, nothing of it is indexed."""
        running = [future for future in self._futures if not future.cancel()]
        wait(running)
        for part in self._spooled:
            part.discard()
        for path, _ in self._aside:  # set aside, but no row names it
            path.unlink(missing_ok=True)
        self._ingest.claims.release(self._claimed)

    def add(self, part: Part) -> Future[Kept | Refused] | None:
        """Hand over one part. What is returned is to be waited for before the next one is read."""
        if part.spooled:
            self._spooled.append(part)
        self._futures.append(self._ingest.threads.submit(self._keep, part))
        return self._futures[-WAITING] if len(self._futures) >= WAITING else None

    def finish(self) -> StoreOutcome:
        """Index all parts in one transaction; set aside, with its reason, what is refused."""
        try:
            outcome = self._indexed([future.result() for future in self._futures])
        except OperationalError as error:
            raise IndexUnavailable(str(error.orig)) from error
        self._aside.clear()  # their rows are committed
        return outcome

    def _indexed(self, kept: list[Kept | Refused]) -> StoreOutcome:
        titles = (self._source.calling_ae_title, self._source.called_ae_title)
        with self._ingest.database.write() as session:
            answers = index(session, kept, calling_ae_title=titles[0], called_ae_title=titles[1])
            for before, answer in zip(kept, answers, strict=True):
                if isinstance(before, Kept) and isinstance(answer, Refused):
                    self._take_back(before, answer)
            for path, refused in self._aside:
                self._ingest.quarantine.note(session, path, refused)
            indexed = tuple(each for each in answers if isinstance(each, Indexed))
            refusals = tuple(each for each in answers if isinstance(each, Refused))
            stored = tuple(each.identity for each in indexed)
            outcome = StoreOutcome(StoreResult(stored, refusals), indexed)
            if self._source.service != "C-STORE":
                note_received(session, self._source, indexed)
            _note_refused(session, self._source, refusals)
            if outcome.new_studies:
                self._ingest.on_arrival(session, outcome.new_studies, time.time())
        return outcome

    def _keep(self, part: Part) -> Kept | Refused:
        try:
            kept = self._kept(part)
            if isinstance(kept, Refused) and worth_keeping(part.content, kept):
                self._aside.append((self._ingest.quarantine.put(part.content), kept))
            return kept
        except ArchiveUnavailable as error:
            return _not_now(part, str(error))
        except OSError as error:  # the disk of the spool or the quarantine
            return _not_now(part, f"no room to take it in ({error.strerror})")
        finally:
            part.discard()

    def _kept(self, part: Part) -> Kept | Refused:
        readable = read(part, self._study_instance_uid)
        if isinstance(readable, Refused):
            return readable
        uid = readable.kept.identity.sop_instance_uid
        if not self._ingest.claims.take(uid, readable.kept.instance["sha256"]):
            return readable.kept.refused(FailureReason.PROCESSING_FAILURE, OTHER_CONTENT)
        self._claimed.append(uid)
        study = readable.kept.identity.study_instance_uid
        return self._ingest.keeper.keep(readable, new_study=self._is_new(study))

    def _is_new(self, study_instance_uid: str) -> bool:
        """Whether the index did not know the study when its first instance was handed over."""
        if study_instance_uid not in self._known_studies:
            known = self._ingest.keeper.knows_study(study_instance_uid)
            self._known_studies.setdefault(study_instance_uid, known)
        return not self._known_studies[study_instance_uid]

    def _take_back(self, kept: Kept, refused: Refused) -> None:
        """What the index refuses goes from the archive to the quarantine."""
        try:
            content = self._ingest.archive.read(kept.archive_key)
            self._aside.append((self._ingest.quarantine.put(content), refused))
            if refused.reason != OTHER_CONTENT:  # that key may be the first one's too
                self._ingest.archive.delete(kept.archive_key)
        except (ArchiveUnavailable, NotInArchive) as error:
            log.warning("a refused instance was not set aside: %s", error)


class Claims:
    """Contents being stored right now, so that two of them never race for one SOP Instance UID."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, int]] = {}  # UID: content hash, holders
        self._lock = Lock()

    def take(self, sop_instance_uid: str, sha256: str) -> bool:
        """False while another request stores another content under this UID."""
        with self._lock:
            held, holders = self._held.get(sop_instance_uid, (sha256, 0))
            if held == sha256:
                self._held[sop_instance_uid] = (sha256, holders + 1)
            return held == sha256

    def release(self, sop_instance_uids: Iterable[str]) -> None:
        with self._lock:
            for uid in sop_instance_uids:
                sha256, holders = self._held.pop(uid)
                if holders > 1:
                    self._held[uid] = (sha256, holders - 1)


def note_received(session: Session, source: Source, indexed: Sequence[Indexed]) -> None:
    """One line of trace for each study that a request, or an association, brought."""
    for study in dict.fromkeys(each.study_instance_uid for each in indexed):
        of_study = [each for each in indexed if each.study_instance_uid == study]
        counts = Counter(each.new for each in of_study)
        detail = {
            "seconds": round(time.time() - source.began_at, 3),
            "instances": len(of_study),
            "new": counts[True],
            "bytes": sum(each.size for each in of_study),
            "source": source.service,
            "calling_ae_title": source.calling_ae_title,
            "called_ae_title": source.called_ae_title,
        }
        note(session, study, "received", detail)


def _note_refused(session: Session, source: Source, refusals: Sequence[Refused]) -> None:
    reasons = Counter((each.study_instance_uid, each.reason) for each in refusals)
    for (study, reason), count in reasons.items():
        detail = {"instances": count, "reason": reason, "source": source.service}
        note(session, study, "refused", detail)


def _not_now(part: Part, reason: str) -> Refused:
    """A part that may be sent again later, with the UIDs that the sender needs for that."""
    readable = read(part)
    if isinstance(readable, Refused):
        return readable
    return readable.kept.refused(FailureReason.OUT_OF_RESOURCES, reason)

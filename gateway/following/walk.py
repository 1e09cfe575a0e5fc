"""A walk over everything in an Orthanc: what is not indexed is taken in, what is gone forgotten."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from adapters.archive import AT_ONCE, Held
from adapters.orthanc import OrthancArchive
from adapters.orthanc_changes import OrthancChanges
from gateway.following import cursor
from gateway.following.adoption import Adopted
from gateway.following.listing import Listing, not_indexed
from gateway.following.loss import forget, forget_quarantined
from gateway.following.waiting import Waiting, WaitingRoom
from gateway.services import Services

BATCH = 100  # instances in one transaction
PROGRESS_SECONDS = 5.0

log = logging.getLogger(__name__)


class Walk:
    """`steps` does it, a little at a time.

    adopt: indexes up to BATCH instances. surveyed: that far it has come, in survey_seconds.
    another: the log showed that this is not the Orthanc that was followed before; what is missing
        here then is not believed to be gone.
    """

    def __init__(
        self,
        parts: Services,
        archive: OrthancArchive,
        waiting: WaitingRoom,
        adopt: Callable[[Sequence[Waiting]], Adopted],
        *,
        another: bool,
    ) -> None:
        self._parts, self._archive, self._waiting = parts, archive, waiting
        self._changes = OrthancChanges(archive)
        self._adopt = adopt
        self._name = cursor.archive_name(parts.settings)
        self._another = another
        self._listing = Listing(parts.database, archive)
        self._adopted = Adopted()
        self._began = self._told_at = time.monotonic()
        self._lost = self._looked_at = 0
        self.surveyed, self.survey_seconds = False, 0.0

    def steps(self) -> Iterator[None]:
        """Yields where a pause may be made. Raises ArchiveUnavailable."""
        yield from self._listing.survey()
        doubtful = self._is_doubtful()
        self.surveyed, self.survey_seconds = True, time.monotonic() - self._began
        yield
        for unknown in self._listing.unknown():
            yield from self._take(unknown)
            self._looked_at += AT_ONCE
            yield
        yield from self._forget_lost(doubtful)
        if self._adopted.indexed or self._adopted.refused or self._lost:
            self._tell("index and archive were compared")

    def _take(self, unknown: Sequence[str]) -> Iterator[None]:
        """Whole studies, so that each is complete once: a listing may mix them."""
        held = self._archive.held(not_indexed(self._parts.database, unknown))
        of_series = {one.series: one.key for one in held if one.key not in self._waiting}
        for study in sorted(set(self._changes.studies(list(of_series.values())).values())):
            members = {one.key: one for one in self._changes.members(study)}
            missing = [members[key] for key in not_indexed(self._parts.database, members)]
            yield from self._take_study(study, missing)
            self._tell_progress()

    def _take_study(self, study: str, missing: Sequence[Held]) -> Iterator[None]:
        found = [Waiting(held, study) for held in missing if held.key not in self._waiting]
        if self._waiting.may_be_in_flight(missing, self._archive.clock()):
            for one in found:
                self._waiting.add(one)
            return
        for start in range(0, len(found), BATCH):
            self._adopted += self._adopt(found[start : start + BATCH])
            yield

    def _forget_lost(self, doubtful: bool) -> Iterator[None]:
        missing = 0
        for lost in self._listing.lost():
            if doubtful:
                missing += len(lost)
            elif lost:
                with self._parts.database.write() as session:
                    self._lost += forget(session, lost)
            yield
        self._note_missing(missing)
        if paths := self._listing.lost_from_quarantine():
            with self._parts.database.write() as session:
                forget_quarantined(session, paths)

    def _is_doubtful(self) -> bool:
        """Whether what is absent may be so because this is another Orthanc than before.

        Noted before anything of it is indexed: after a restart that would be met, and all others
        be taken for deleted.
        """
        absent, indexed = self._listing.absent()
        with self._parts.database.read() as session:
            before = cursor.standing(session, self._name)
        nothing_met = self._listing.listed > 0 and absent == indexed > 0
        doubtful = self._another or nothing_met or bool(before and before.missing)
        if doubtful:
            self._note_missing(absent)
        return doubtful

    def _note_missing(self, missing: int) -> None:
        with self._parts.database.write() as session:
            before = cursor.standing(session, self._name)
            if missing != (before.missing if before else 0):
                cursor.note_missing(session, self._name, missing)
        if missing:
            log.error(
                "%d indexed instances are not in the archive, which looks like another one than "
                "before; name the right one by AIRGATE_ARCHIVE, or drop them by "
                "`airgate index verify --repair --drop-missing`",
                missing,
            )

    def _tell_progress(self) -> None:
        if time.monotonic() - self._told_at > PROGRESS_SECONDS:
            self._told_at = time.monotonic()
            self._tell("indexing what the archive holds")

    def _tell(self, event: str) -> None:
        figures = {
            "looked_at": min(self._looked_at, self._listing.listed),
            "of": self._listing.listed,
            "indexed": self._adopted.indexed,
            "per_second": round(self._adopted.indexed / max(time.monotonic() - self._began, 0.001)),
            "refused": self._adopted.refused,
            "lost": self._lost,
        }
        log.info(event, extra=figures)

"""What becomes of instances that the archive had something of already: the index decides.

Each is settled in a transaction of its own that holds its study, so that of several processes one
at a time looks at index and archive and changes both: of two contents that race for one SOP
Instance UID exactly one is acknowledged, and that one lies in the archive.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from adapters.archive import Archive
from adapters.errors import ArchiveConflict, ArchiveUnavailable
from gateway.index import OTHER_CONTENT, Indexed, Kept, Refused, describe_anew, index
from gateway.keeping import Undecided, with_values
from gateway.quarantine import Quarantine
from gateway.store.database import Database
from gateway.store.tables import InstanceRow
from gateway.swapping import REPLACED, Swap, Swaps, put_in_place
from standards.store_response import FailureReason

ELSEWHERE = (
    "another content is stored under this SOP Instance UID in another series; "
    "delete that one, or send this one under a new UID"
)
OWN_RESULT = "this SOP Instance UID is of a result made here, which nothing replaces"
UNNAMED = "it lay in the archive unindexed when another content of the instance was sent"

log = logging.getLogger(__name__)

OnArrival = Callable[[Session, set[str], float], None]


@dataclass(frozen=True, slots=True)
class Settler:
    """replace: whether a content takes the place of another that is indexed."""

    database: Database
    archive: Archive
    quarantine: Quarantine
    swaps: Swaps
    on_arrival: OnArrival
    replace: bool

    def settle(
        self, undecided: Undecided, calling: str = "", called: str = ""
    ) -> Indexed | Refused:
        """Index it, or say why not. Raises ArchiveUnavailable, OSError, OperationalError."""
        swaps: list[Swap] = []
        try:
            with self.database.write() as session:
                answer = self._decided(session, undecided, (calling, called), swaps)
                if isinstance(answer, Indexed) and answer.new:
                    self.on_arrival(session, {answer.study_instance_uid}, time.time())
        finally:
            for swap in swaps:
                self._conclude(swap)
        return answer

    def _conclude(self, swap: Swap) -> None:
        try:
            self.swaps.conclude(swap)
        except Exception as error:  # the note stays, and the next start concludes it
            log.error("a replacement was not concluded: %s", error, extra={"note": swap.aside})

    def _decided(
        self, session: Session, undecided: Undecided, titles: tuple[str, str], swaps: list[Swap]
    ) -> Indexed | Refused:
        kept = undecided.kept
        (answer,) = index(
            session,
            [kept],
            archive=self.archive,
            calling_ae_title=titles[0],
            called_ae_title=titles[1],
        )
        if isinstance(answer, Indexed):
            self._place(session, undecided, answer)
        elif answer.reason == OTHER_CONTENT and self.replace:
            return self._replaced(session, undecided, swaps)
        return answer

    def _place(self, session: Session, undecided: Undecided, answer: Indexed) -> None:
        """See to it that the archive has what the index now names."""
        row = self._row(session, undecided.kept)
        if not answer.new and self.archive.held([row.archive_key]):
            return
        content = undecided.readable.part.content
        try:
            row.archive_key = self.archive.store(content).key
        except ArchiveConflict as conflict:
            self._set_aside(session, undecided.kept, conflict.key)
            row.archive_key = put_in_place(self.archive, content)

    def _set_aside(self, session: Session, kept: Kept, key: str) -> None:
        """Bytes that the index does not name: a crash left them, or a race is lost by them."""
        log.warning("archived bytes that nothing names are replaced", extra={"archive_key": key})
        path = self.quarantine.put(self.archive.stream(key))
        refused = kept.refused(FailureReason.PROCESSING_FAILURE, UNNAMED)
        self.quarantine.note(session, path, refused)

    def _replaced(
        self, session: Session, undecided: Undecided, swaps: list[Swap]
    ) -> Indexed | Refused:
        kept = undecided.kept
        row = self._row(session, kept)
        if row.created_by:
            return kept.refused(FailureReason.PROCESSING_FAILURE, OWN_RESULT)
        known = (row.study_instance_uid, row.series_instance_uid)
        if known != (kept.identity.study_instance_uid, kept.identity.series_instance_uid):
            return kept.refused(FailureReason.PROCESSING_FAILURE, ELSEWHERE)
        swap = self.swaps.begin(row)
        if swap is not None:
            swaps.append(swap)
            old = kept.refused(FailureReason.PROCESSING_FAILURE, REPLACED)
            self.quarantine.note(session, self.swaps.path(swap), old)
        key = put_in_place(self.archive, undecided.readable.part.content)
        values = {**with_values(kept, archive_key=key).instance, "received_at": time.time()}
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
        describe_anew(session, kept)
        return Indexed(kept.identity, new=True, size=kept.instance["size"], replaced=True)

    def _row(self, session: Session, kept: Kept) -> InstanceRow:
        uid = kept.identity.sop_instance_uid
        return session.get_one(InstanceRow, uid, with_for_update=True, populate_existing=True)


def not_settled(undecided: Undecided, error: Exception) -> Refused:
    """To be sent again: the archive, the database or a disk cannot work now."""
    found = str(error) if isinstance(error, ArchiveUnavailable) else type(error).__name__
    return undecided.kept.refused(FailureReason.OUT_OF_RESOURCES, f"not decided now: {found}")

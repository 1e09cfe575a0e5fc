"""One content in the archive in place of another, so that a crash at any point loses neither.

The old bytes are written aside, durably, with a note of what they are, before the archive is told
to forget them. The row that quarantines them commits with the row that names the new bytes; so
whether it is there says which of the two is the instance, and `conclude` makes the archive agree:
after the transaction, whether it committed or not, and for notes that a crash or an outage left,
at the next start and every now and then.
"""

import json
import logging
import os
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import select

from adapters.archive import Archive
from adapters.errors import ArchiveConflict, ArchiveUnavailable, NotInArchive
from gateway.quarantine import Quarantine, sync_folder
from gateway.repeating import repeating
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, QuarantineRow
from standards.store_response import FailedInstance, FailureReason

REPLACED = "replaced: another content was stored under this SOP Instance UID"
_SUFFIX = ".swap"
_AGAIN_SECONDS = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swap:
    """aside: name of the file with the old bytes. archive_key, sha256: as the index named them."""

    aside: str
    sop_instance_uid: str
    archive_key: str
    sha256: str


class Swaps:
    """Notes of swaps lie beside the bytes set aside, in the quarantine folder."""

    def __init__(self, database: Database, archive: Archive, quarantine: Quarantine) -> None:
        self._database, self._archive, self._quarantine = database, archive, quarantine

    def begin(self, row: InstanceRow) -> Swap | None:
        """Set the old bytes aside; None where the archive does not have them (any more).

        To be called in a transaction that holds the row. Raises OSError, ArchiveUnavailable.
        """
        try:
            path = self._quarantine.put(self._archive.stream(row.archive_key))
        except NotInArchive:
            return None
        swap = Swap(path.name, row.sop_instance_uid, row.archive_key, row.sha256)
        try:
            _write_note(path.with_suffix(_SUFFIX), json.dumps(asdict(swap)))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return swap

    def path(self, swap: Swap) -> Path:
        return self._quarantine.folder / swap.aside

    def conclude(self, swap: Swap) -> None:
        """Make the archive hold what the index names, then forget the note. Again is no error.

        Raises ArchiveUnavailable, OSError and what the database raises; then the note stays.
        """
        path = self.path(swap)
        with self._database.write() as session:
            of_instance = InstanceRow.sop_instance_uid == swap.sop_instance_uid
            row = session.scalars(select(InstanceRow).where(of_instance).with_for_update()).first()
            aside = select(QuarantineRow.id).where(QuarantineRow.path == str(path))
            if session.scalar(aside) is not None:
                if row is not None and row.archive_key != swap.archive_key:
                    self._archive.delete(swap.archive_key)
            elif row is not None and row.sha256 == swap.sha256:
                self._put_back(path)
            elif path.exists():
                self._quarantine.note(session, path, _replaced(swap, row))
        path.with_suffix(_SUFFIX).unlink(missing_ok=True)

    def recover(self) -> None:
        """Conclude what a crash left. What cannot be concluded now is left for the next start."""
        for note in sorted(self._quarantine.folder.glob(f"*{_SUFFIX}")):
            try:
                swap = Swap(**json.loads(note.read_text()))
                self.conclude(swap)
            except (ArchiveUnavailable, OSError, ValueError, TypeError) as error:
                log.error("a replacement was not concluded: %s", error, extra={"note": note.name})
            else:
                log.warning(
                    "a replacement that broke off was concluded",
                    extra={"instance": swap.sop_instance_uid},
                )

    def _put_back(self, path: Path) -> None:
        if path.exists():
            put_in_place(self._archive, path)
            path.unlink()


def recovering(swaps: Swaps) -> AbstractContextManager[None]:
    """Conclude what is left, at once and now and then, while the block runs."""
    failed = "replacements are not concluded yet"
    return repeating(swaps.recover, name="swaps", seconds=_AGAIN_SECONDS, failed=failed, log=log)


def put_in_place(archive: Archive, content: bytes | Path) -> str:
    """Store the content instead of whatever the archive has of the instance; its key."""
    try:
        return archive.store(content).key
    except ArchiveConflict as conflict:
        archive.delete(conflict.key)
        return archive.store(content).key


def _replaced(swap: Swap, row: InstanceRow | None) -> FailedInstance:
    study = row.study_instance_uid if row is not None else ""
    return FailedInstance(
        FailureReason.PROCESSING_FAILURE,
        REPLACED,
        sop_instance_uid=swap.sop_instance_uid,
        study_instance_uid=study,
    )


def _write_note(path: Path, text: str) -> None:
    """Whole or not at all, and durable."""
    draft = path.with_suffix(".draft")
    try:
        with draft.open("x") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()

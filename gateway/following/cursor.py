"""How far the changes of an archive have been followed: one row, moved with what it caused."""

from dataclasses import dataclass

import httpx
from sqlalchemy import update
from sqlalchemy.orm import Session

from gateway.settings import Settings
from gateway.store.inserting import insert_missing
from gateway.store.tables import ArchiveCursorRow


@dataclass(frozen=True, slots=True)
class Standing:
    """last: the change up to which all is indexed.

    missing: indexed instances that were not found, in what looked like another archive.
    """

    last: int
    missing: int = 0


def archive_name(settings: Settings) -> str:
    """Under what name the archive's cursor is kept: its address, without credentials.

    The gateway's own Orthanc is `orthanc`, since its port may change.
    """
    if not settings.archive.startswith(("http://", "https://")):
        return settings.archive
    return str(httpx.URL(settings.archive).copy_with(username=None, password=None)).rstrip("/")


def standing(session: Session, archive: str) -> Standing | None:
    """None where the archive was never followed."""
    row = session.get(ArchiveCursorRow, archive)
    return None if row is None else Standing(row.last, row.missing)


def move(session: Session, archive: str, last: int) -> None:
    """Note in the caller's transaction that all up to change `last` is indexed."""
    _row(session, archive).last = last


def note_missing(session: Session, archive: str, missing: int) -> None:
    _row(session, archive).missing = missing


def nothing_missing(session: Session) -> None:
    """A person has seen to it; see `airgate index verify --repair`."""
    session.execute(update(ArchiveCursorRow).values(missing=0))


def _row(session: Session, archive: str) -> ArchiveCursorRow:
    """Made where it is missing, by whichever process comes first."""
    row = session.get(ArchiveCursorRow, archive)
    if row is None:
        first = {"archive": archive, "last": 0, "missing": 0}
        session.execute(insert_missing(session, ArchiveCursorRow).values(first))
        row = session.get_one(ArchiveCursorRow, archive, with_for_update=True)
    return row

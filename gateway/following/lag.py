"""How far the follower is behind, as any process can see it: the archive's log and our cursor."""

from dataclasses import dataclass

from adapters.archive import Archive
from adapters.orthanc import OrthancArchive
from adapters.orthanc_changes import OrthancChanges
from gateway.following import cursor
from gateway.settings import Settings
from gateway.store.database import Database


@dataclass(frozen=True, slots=True)
class Lag:
    """behind: changes of the archive that are not followed yet; None before the first start.

    held: instances in the archive. missing: see gateway/following/cursor.py.
    """

    behind: int | None
    held: int
    missing: int


def lag(settings: Settings, database: Database, archive: Archive) -> Lag | None:
    """None where nothing is followed. Raises ArchiveUnavailable."""
    if not settings.follow_changes or not isinstance(archive, OrthancArchive):
        return None
    changes = OrthancChanges(archive)
    with database.read() as session:
        standing = cursor.standing(session, cursor.archive_name(settings))
    counter, held = changes.counter(), changes.count()
    if standing is None:
        return Lag(None, held, 0)
    return Lag(max(counter - standing.last, 0), held, standing.missing)

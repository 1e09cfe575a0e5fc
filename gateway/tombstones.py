"""What remains of deleted instances: that they were here, and bytes that are still to go.

Rows leave the index first, in one transaction with their tombstones; only then the archive is
asked to forget the bytes, and each tombstone says until then what they are called there. So a
crash never leaves a row without its bytes, nor bytes that nobody knows: `finish` goes on where
it stopped, with the next deletion, at the next start of the server and every now and then.

Storing a deleted instance again lifts its tombstone. While its bytes are on their way out it is
refused for now: the archive may call the new bytes as it called the old ones. Both sides hold the
tombstone's row (on SQLite the whole database) while they look at the archive, so neither can
delete what the other just relied on.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from adapters.archive import AT_ONCE, Archive
from adapters.errors import ArchiveRefused, NotInArchive
from gateway.repeating import repeating
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, TombstoneRow
from standards.store_response import StoredInstance

log = logging.getLogger(__name__)

INSTANCE = "instance"  # a tombstone's level
GOING = "the instance is being deleted at this moment; send it again in a while"

_TOGETHER = 10  # bytes deleted in one transaction; nobody else can write to SQLite meanwhile
_AGAIN_SECONDS = 60.0


def was_deleted(session: Session, study_instance_uid: str, uids: Iterable[str]) -> bool:
    """Whether one of these UIDs, of the study or of what is in it, names something deleted."""
    query = select(TombstoneRow.uid).where(
        TombstoneRow.uid.in_(uids), TombstoneRow.study_instance_uid == study_instance_uid
    )
    return session.scalars(query.limit(1)).first() is not None


def bury(session: Session, tombstones: Sequence[TombstoneRow]) -> None:
    """Set up tombstones in the caller's transaction, in place of older ones."""
    for batch in _in_batches([tombstone.uid for tombstone in tombstones]):
        session.execute(delete(TombstoneRow).where(TombstoneRow.uid.in_(batch)))
    session.add_all(tombstones)


def lift(
    session: Session, archive: Archive | None, stored: Mapping[StoredInstance, str]
) -> set[str]:
    """Lift the tombstones of instances, and of their series and studies, that are stored again.

    stored:  each instance, and what the archive calls its bytes.
    Returns the SOP Instance UIDs of those that cannot be stored now: their old bytes are still to
    be deleted, or were deleted while the new ones came under the same key.
    """
    uids = {uid for one in stored for uid in _uids(one)}
    found = [row for batch in _in_batches(sorted(uids)) for row in _locked(session, batch)]
    if not found:
        return set()
    keys = {one.sop_instance_uid: key for one, key in stored.items()}
    buried = {row.uid: row for row in found if row.level == INSTANCE and row.uid in keys}
    going = {uid for uid, row in buried.items() if row.archive_key}
    if archive is not None:
        again = sorted(keys[uid] for uid in buried.keys() - going)
        held = {one.key for batch in _in_batches(again) for one in archive.held(batch)}
        going |= {uid for uid in buried if keys[uid] not in held}
    risen = [one for one in stored if one.sop_instance_uid not in going]
    for batch in _in_batches(sorted({uid for one in risen for uid in _uids(one)})):
        session.execute(delete(TombstoneRow).where(TombstoneRow.uid.in_(batch)))
    return going


def is_pending(database: Database, study_instance_uid: str | None = None) -> bool:
    """Whether bytes are still to be deleted: of the study, or any at all."""
    query = select(TombstoneRow.uid).where(TombstoneRow.archive_key != "")
    if study_instance_uid is not None:
        query = query.where(TombstoneRow.study_instance_uid == study_instance_uid)
    with database.read() as session:
        return session.scalars(query.limit(1)).first() is not None


def finish(database: Database, archive: Archive) -> None:
    """Delete from the archive what deleted instances left there. Raises ArchiveUnavailable."""
    last: str | None = ""
    while last is not None and is_pending(database):
        last = _finish_some(database, archive, last)


def finishing(database: Database, archive: Archive) -> AbstractContextManager[None]:
    """Finish deletions now and then while the block runs: a crash or an outage may leave some."""
    chore = partial(finish, database, archive)
    failed = "deletions are not finished yet"  # the tombstones tell on
    return repeating(chore, name="tombstones", seconds=_AGAIN_SECONDS, failed=failed, log=log)


def _finish_some(database: Database, archive: Archive, after: str) -> str | None:
    """Finish a few, in order of their UIDs; the last of them, or None when there are no more."""
    with database.write() as session:
        pending = select(TombstoneRow).where(TombstoneRow.archive_key != "")
        some = pending.where(TombstoneRow.uid > after).order_by(TombstoneRow.uid).limit(_TOGETHER)
        rows = session.scalars(some.with_for_update()).all()
        keys = [row.archive_key for row in rows]
        in_use = InstanceRow.archive_key.in_(keys)
        named = set(session.scalars(select(InstanceRow.archive_key).where(in_use)))
        for row in rows:
            if row.archive_key in named or _forgotten(archive, row.archive_key):
                row.archive_key = ""
    return rows[-1].uid if rows else None


def _forgotten(archive: Archive, key: str) -> bool:
    """One that the archive refuses to forget must not hold up the others."""
    try:
        archive.delete(key)
    except NotInArchive:
        log.info("bytes of a deleted instance were gone", extra={"archive_key": key})
    except ArchiveRefused as error:
        log.error("bytes of a deleted instance stay: %s", error, extra={"archive_key": key})
        return False
    return True


def _locked(session: Session, uids: Sequence[str]) -> Sequence[TombstoneRow]:
    query = select(TombstoneRow).where(TombstoneRow.uid.in_(uids)).order_by(TombstoneRow.uid)
    return session.scalars(query.with_for_update()).all()


def _uids(one: StoredInstance) -> tuple[str, str, str]:
    return one.study_instance_uid, one.series_instance_uid, one.sop_instance_uid


def _in_batches(uids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (uids[start : start + AT_ONCE] for start in range(0, len(uids), AT_ONCE))

"""Instances on their way into the archive; the index is only asked what it knows already."""

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import bindparam, select

from adapters.archive import Archive
from adapters.errors import ArchiveConflict, ArchiveRefused, NotInArchive
from gateway.index import OTHER_CONTENT, Kept, Refused
from gateway.part import Part, spooled
from gateway.reading import Readable, Reader
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, StudyRow
from standards.coercion import coercion_of
from standards.store_response import FailureReason

_READ_WHOLE = 8 << 20  # bytes of an archived file that may be held in memory
_KNOWN = select(InstanceRow.archive_key, InstanceRow.sha256, InstanceRow.size).where(
    InstanceRow.sop_instance_uid == bindparam("uid")
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Undecided:
    """An instance about which the index has to decide, under its lock: see gateway/settling.py.

    archive_key: of what the archive holds of this instance, these bytes or others.
    """

    readable: Readable
    archive_key: str

    @property
    def kept(self) -> Kept:
        return with_values(self.readable.kept, archive_key=self.archive_key)


class Known(NamedTuple):
    """What the index says of an instance."""

    archive_key: str
    sha256: str
    size: int


class Keeper:
    """Puts instances into the archive. Nothing here deletes or replaces what lies there.

    replace: whether another content may take the place of one that is indexed.
    """

    def __init__(
        self, database: Database, archive: Archive, reader: Reader, spool: Path, *, replace: bool
    ) -> None:
        self._database, self._archive = database, archive
        self._reader, self._spool, self._replace = reader, spool, replace

    def knows_study(self, study_instance_uid: str) -> bool:
        with self._database.read() as session:
            return session.get(StudyRow, study_instance_uid) is not None

    def keep(self, readable: Readable, *, new_study: bool = False) -> Kept | Refused | Undecided:
        """Durable in the archive when this returns Kept. Raises ArchiveUnavailable.

        new_study: the study was not known a moment ago, so neither will be its instances; should
        one be all the same, the archive tells of it, and at last the index does.
        """
        kept = readable.kept
        if not new_study and (known := self._known(kept)) is not None:
            return self._compared(readable, known)
        try:
            stored = self._archive.store(readable.part.content)
        except ArchiveConflict as conflict:
            return self._other_there_already(readable, conflict.key)
        except ArchiveRefused as error:
            return kept.refused(FailureReason.CANNOT_UNDERSTAND, str(error))
        if stored.new:
            return replace(with_values(kept, archive_key=stored.key), archived=True)
        return self._there_already(readable, stored.key)

    def _known(self, kept: Kept) -> Known | None:
        with self._database.read() as session:
            row = session.execute(_KNOWN, {"uid": kept.identity.sop_instance_uid}).first()
        return None if row is None else Known(*row)

    def _there_already(self, readable: Readable, key: str) -> Kept | Refused | Undecided:
        """The archive had bytes of it: indexed ones, a crash's, another request's, or others'."""
        known = self._known(readable.kept)
        return Undecided(readable, key) if known is None else self._compared(readable, known)

    def _other_there_already(self, readable: Readable, key: str) -> Kept | Refused | Undecided:
        """Other bytes of it. Where others store too, what the index does not name may be theirs."""
        answer = self._there_already(readable, key)
        if isinstance(answer, Undecided) and self._archive.shared and not self._replace:
            return readable.kept.refused(FailureReason.PROCESSING_FAILURE, OTHER_CONTENT)
        return answer

    def _compared(self, readable: Readable, known: Known) -> Kept | Refused | Undecided:
        """An instance that came before: the same, or the same written differently, or another.

        A sender may write sequences with or without explicit lengths; attribute by attribute and
        pixel by pixel it is still the same instance.
        """
        kept = readable.kept
        same = kept.instance["sha256"] == known.sha256 or self._is_archived(readable.part, known)
        if same and self._archive.held([known.archive_key]):
            told = self._as_told_before(kept)
            return with_values(told, archive_key=known.archive_key, sha256=known.sha256)
        if same or self._replace:
            return Undecided(readable, known.archive_key)
        return kept.refused(FailureReason.PROCESSING_FAILURE, OTHER_CONTENT)

    def _as_told_before(self, kept: Kept) -> Kept:
        """What was changed is what the stored instance says, and when, not what would be now."""
        if kept.original_attributes is None:
            return kept
        query = select(InstanceRow.header).where(
            InstanceRow.sop_instance_uid == kept.identity.sop_instance_uid
        )
        with self._database.read() as session:
            header = session.scalar(query)
        stored = coercion_of(json.loads(header)) if header else None
        return replace(kept, original_attributes=stored)

    def _is_archived(self, part: Part, known: Known) -> bool:
        """Whether what is indexed lies in the archive and is the same instance."""
        try:
            archived = self._archived(known)
        except NotInArchive:
            log.warning("indexed bytes are not in the archive", extra=known._asdict())
            return False
        try:
            return self._holds(archived, known) and self._reader.same(part, archived)
        finally:
            archived.discard()

    def _holds(self, archived: Part, known: Known) -> bool:
        """False where a replacement broke off, which gateway/swapping.py will conclude."""
        readable = self._reader.read(archived)
        return isinstance(readable, Readable) and readable.kept.instance["sha256"] == known.sha256

    def _archived(self, known: Known) -> Part:
        if known.size <= _READ_WHOLE:
            return Part(self._archive.read(known.archive_key))
        return spooled(self._spool, self._archive.stream(known.archive_key))


def with_values(kept: Kept, **values: str) -> Kept:
    return replace(kept, instance={**kept.instance, **values})

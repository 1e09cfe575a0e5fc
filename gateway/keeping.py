"""One instance on its way into the archive: read, judged, stored; the index is not touched."""

import hashlib
import logging
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import bindparam, select

from adapters.archive import Archive
from adapters.errors import ArchiveConflict, ArchiveRefused, NotInArchive
from gateway.index import OTHER_CONTENT, Kept, Refused, kept_instance
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, StudyRow
from standards.dicom_json import header_attributes, same_attributes
from standards.errors import NotDicom
from standards.part10 import Buffer, Header, read_header, with_file_meta
from standards.storable import why_not_storable
from standards.store_response import FailureReason

_KNOWN = select(InstanceRow.archive_key, InstanceRow.sha256).where(
    InstanceRow.sop_instance_uid == bindparam("uid")
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One instance as it came: its bytes, or the file that holds them.

    spooled: the file is ours, and goes when the instance has been archived or refused.
    """

    content: bytes | Path
    spooled: bool = False

    def discard(self) -> None:
        if self.spooled and isinstance(self.content, Path):
            self.content.unlink(missing_ok=True)

    @contextmanager
    def opened(self) -> Iterator[Buffer]:
        if isinstance(self.content, bytes):
            yield self.content
        elif not self.content.stat().st_size:
            yield b""  # nothing cannot be mapped
        else:
            with (
                self.content.open("rb") as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            ):
                yield mapped


@dataclass(frozen=True, slots=True)
class Readable:
    """An instance that may be kept. `kept` lacks its archive key yet."""

    part: Part
    kept: Kept


def read(part: Part, study_instance_uid: str | None = None) -> Readable | Refused:
    """Parse and judge one instance.

    study_instance_uid: the study that the request names, if it names one (PS3.18 10.5.1.1).
    """
    with part.opened() as content:
        try:
            header = read_header(content)
            attributes = header_attributes(header)
        except NotDicom as error:
            return Refused(FailureReason.CANNOT_UNDERSTAND, str(error))
        refused = why_not_storable(header, attributes)
        if refused is not None:
            return refused
        kept = kept_instance(
            attributes,
            transfer_syntax_uid=header.transfer_syntax_uid,
            sha256=_content_hash(header, content),
            size=len(content),
            archive_key="",
        )
        if study_instance_uid not in (None, kept.identity.study_instance_uid):
            return kept.refused(
                FailureReason.PROCESSING_FAILURE,
                "the instance belongs to another study than the one that the request names",
            )
        return Readable(_whole(part, header, content, kept), kept)


class Keeper:
    """Puts instances into the archive; the database only tells what is indexed already."""

    def __init__(self, database: Database, archive: Archive) -> None:
        self._database = database
        self._archive = archive

    def knows_study(self, study_instance_uid: str) -> bool:
        with self._database.read() as session:
            return session.get(StudyRow, study_instance_uid) is not None

    def keep(self, readable: Readable, *, new_study: bool = False) -> Kept | Refused:
        """Durable in the archive when this returns Kept. Raises ArchiveUnavailable.

        new_study: the study was not known a moment ago, so neither will be its instances; should
        one be all the same, the archive tells of a conflict, and at last the index does.
        """
        part, kept = readable.part, readable.kept
        uid = kept.identity.sop_instance_uid
        if not new_study and (known := self._known(uid)) is not None:
            return self._compared(part, kept, *known)
        try:
            key = self._archive.store(part.content)
        except ArchiveConflict as conflict:
            if (known := self._known(uid)) is not None:
                return self._compared(part, kept, *known)
            key = self._in_place_of_orphan(part, conflict.key)
        except ArchiveRefused as error:
            return kept.refused(FailureReason.CANNOT_UNDERSTAND, str(error))
        return _with(kept, archive_key=key)

    def _known(self, sop_instance_uid: str) -> tuple[str, str] | None:
        """The archive key and the content hash of an instance that is indexed already."""
        with self._database.read() as session:
            row = session.execute(_KNOWN, {"uid": sop_instance_uid}).first()
        return None if row is None else (row[0], row[1])

    def _compared(self, part: Part, kept: Kept, key: str, sha256: str) -> Kept | Refused:
        """An instance that came before: the same, or the same written differently, or another.

        A sender may write sequences with or without explicit lengths; attribute by attribute and
        pixel by pixel it is still the same instance.
        """
        if kept.instance["sha256"] == sha256:
            return _with(kept, archive_key=key)
        with part.opened() as content:
            if self._archive_has_the_same(content, key):
                return _with(kept, archive_key=key, sha256=sha256)
        return kept.refused(FailureReason.PROCESSING_FAILURE, OTHER_CONTENT)

    def _archive_has_the_same(self, content: Buffer, key: str) -> bool:
        try:
            return _same_instance(content, self._archive.read(key))
        except NotInArchive:
            log.warning("indexed bytes are not in the archive", extra={"archive_key": key})
            return False

    def _in_place_of_orphan(self, part: Part, key: str) -> str:
        """Bytes that the index does not name were never acknowledged: the new ones replace them."""
        log.warning("archived bytes that nothing names are replaced", extra={"archive_key": key})
        self._archive.delete(key)
        return self._archive.store(part.content)


def _with(kept: Kept, **values: str) -> Kept:
    return replace(kept, instance={**kept.instance, **values})


def _whole(part: Part, header: Header, content: Buffer, kept: Kept) -> Part:
    """The part as it came, or with the File Meta Information that it lacked."""
    if header.has_file_meta:
        return part
    known = kept.identity
    return Part(with_file_meta(header, content, known.sop_class_uid, known.sop_instance_uid))


def _content_hash(header: Header, content: Buffer) -> str:
    """SHA-256 of the data set: the File Meta Information differs with who sends it."""
    with memoryview(content) as view:
        return hashlib.sha256(view[header.data_set_offset :]).hexdigest()


def _same_instance(content: Buffer, archived: bytes) -> bool:
    one, other = read_header(content), read_header(archived)
    return same_attributes(one, other) and _pixels(one, content) == _pixels(other, archived)


def _pixels(header: Header, content: Buffer) -> bytes:
    """The value of the pixel data; the whole data set where that is deflated."""
    if header.pixel_data is None:
        return b""
    start = header.data_set_offset
    if header.transfer_syntax_uid == "1.2.840.10008.1.2.1.99":
        return content[start:]
    start += header.pixel_data.offset
    return content[start : start + header.pixel_data.length]

"""Whether the archive's bytes are those that were indexed: each instance read again."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import select

from gateway.following.judging import fetched
from gateway.index import Refused
from gateway.services import Services
from gateway.store.tables import InstanceRow

_AT_ONCE = 500


class Content(NamedTuple):
    """What the index says of one instance's bytes."""

    sop_instance_uid: str
    archive_key: str
    size: int
    sha256: str


class ContentCheck:
    def __init__(self, parts: Services) -> None:
        self._parts = parts

    def rows(self) -> Iterator[Sequence[Content]]:
        """Every indexed instance, in short transactions."""
        columns = [getattr(InstanceRow, name) for name in Content._fields]
        query = select(*columns).order_by(InstanceRow.sop_instance_uid).limit(_AT_ONCE)
        last = ""
        while True:
            with self._parts.database.read() as session:
                found = session.execute(query.where(InstanceRow.sop_instance_uid > last)).all()
            if not found:
                return
            yield [Content(*row) for row in found]
            last = found[-1].sop_instance_uid

    def is_same(self, row: Content) -> bool:
        """Raises NotInArchive, ArchiveUnavailable."""
        with fetched(self._parts, row.archive_key, row.size) as part:
            answer = self._parts.ingest.reader.read(part)
        if isinstance(answer, Refused):
            return False
        found = answer.kept.instance
        return (found["sop_instance_uid"], found["size"], found["sha256"]) == (
            row.sop_instance_uid,
            row.size,
            row.sha256,
        )

"""The way in with all it needs, for tests of what becomes of instances."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from adapters.archive import Archive
from gateway.ingest import Ingest, Part, StoreOutcome
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.tables import EventRow, InstanceRow, QuarantineRow


@dataclass
class Arrivals:
    """Stands where the gateway notes arrivals."""

    seen: list[set[str]] = field(default_factory=list)

    def __call__(self, _session, studies, _now) -> None:
        self.seen.append(set(studies))


@dataclass
class House:
    ingest: Ingest
    database: Database
    archive: Archive
    arrivals: Arrivals

    def receive(self, *contents: bytes, **how) -> StoreOutcome:
        return self.ingest.receive([Part(content) for content in contents], **how)

    def count(self, table) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def rows(self, table) -> list:
        with self.database.read() as session:
            return list(session.scalars(select(table)))

    def archived(self) -> bytes:
        """The bytes of the only indexed instance."""
        (row,) = self.rows(InstanceRow)
        return self.archive.read(row.archive_key)

    def quarantined(self) -> dict[bytes, str]:
        """What was set aside, with its reason; no file lies there that no row names."""
        rows = {row.path: row.reason for row in self.rows(QuarantineRow)}
        folder = self.ingest.quarantine.folder
        assert {str(path) for path in folder.glob("*")} == set(rows)
        return {Path(path).read_bytes(): reason for path, reason in rows.items()}

    def events(self, kind: str) -> list[dict]:
        return [json.loads(row.detail) for row in self.rows(EventRow) if row.kind == kind]


@contextmanager
def housed(database: Database, archive: Archive, folder: Path, **settings) -> Iterator[House]:
    arrivals = Arrivals()
    ingest = Ingest(database, archive, Settings(data=folder, **settings), arrivals)
    try:
        yield House(ingest, database, archive, arrivals)
    finally:
        ingest.close()

"""A gateway's parts on a real Orthanc that others use too, and a follower turned by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from sqlalchemy import func, select

from adapters.orthanc import OrthancArchive
from gateway import services
from gateway.following.cursor import Standing, archive_name, standing
from gateway.following.follower import Follower
from gateway.services import Services
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.tables import EventRow, InstanceRow
from tests.orthanc_server import OrthancServer


class Rows:
    """What lies in a database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def rows(self, table, *order):
        with self.database.read() as session:
            return list(session.scalars(select(table).order_by(*order)))

    def count(self, table) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    @property
    def uids(self) -> list[str]:
        """SOP Instance UIDs in the index."""
        return sorted(row.sop_instance_uid for row in self.rows(InstanceRow))

    def events(self, kind: str) -> list[EventRow]:
        return [row for row in self.rows(EventRow, EventRow.id) if row.kind == kind]


class House(Rows):
    """Gateway and Orthanc. What is sent `behind` reaches Orthanc alone."""

    def __init__(self, folder: Path, database: Database, url: str, **settings: object) -> None:
        super().__init__(database)
        self.settings = Settings(data=folder, archive=url, **settings)  # type: ignore[arg-type]
        self.archive = OrthancArchive(url, shared=True)
        self.parts: Services = services.build(self.settings, self.archive, database)
        self.follower = self.new_follower()
        self._url = url
        self.url = database.url.render_as_string(hide_password=False)

    def new_follower(self, grace_seconds: float = 0) -> Follower:
        return Follower(self.parts, self.archive, grace_seconds=grace_seconds)

    def behind(self, *contents: bytes) -> list[str]:
        """POST to Orthanc's own REST API; the keys."""
        keys = []
        for content in contents:
            reply = httpx.post(f"{self._url}/instances", content=content)
            assert reply.status_code == 200, reply.text
            keys.append(reply.json()["ID"])
        return keys

    def follow(self) -> None:
        """Turn until there is nothing more to do, and once more."""
        while self.follower.turn():
            pass
        self.follower.turn()

    @property
    def standing(self) -> Standing | None:
        with self.database.read() as session:
            return standing(session, archive_name(self.settings))

    def look_now(self) -> None:
        """Compare the numbers of instances now, as often as is asked."""
        self.follower._balance._next_look = self.follower._balance._next_walk = 0.0

    def close(self) -> None:
        self.parts.ingest.close()


def emptied(orthanc: OrthancServer) -> None:
    """Delete all that it holds; its log and counter go on."""
    for patient in httpx.get(f"{orthanc.url}/patients").json():
        httpx.delete(f"{orthanc.url}/patients/{patient}")


def all_keys(archive: OrthancArchive) -> list[str]:
    return [key for page in archive.listing() for key in page]


@contextmanager
def house_on(folder: Path, database: Database, url: str, **settings: object) -> Iterator[House]:
    house = House(folder, database, url, **settings)
    try:
        yield house
    finally:
        house.close()

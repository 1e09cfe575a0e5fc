"""One walk over all that the archive holds, compared with the index both ways, in little memory."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import select

from adapters.archive import AT_ONCE, Archive
from gateway.quarantine import archive_key, in_archive
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, QuarantineRow, TombstoneRow

_ROWS_AT_ONCE = 5000


class Lost(NamedTuple):
    """An indexed instance whose bytes the archive does not have."""

    sop_instance_uid: str
    study_instance_uid: str
    archive_key: str


def not_indexed(database: Database, keys: Iterable[str]) -> list[str]:
    """Those keys that the index does not name, in their order.

    Left out is also what is on its way out of the archive, or was refused where it lies.
    """
    unknown: list[str] = []
    for page in _pages(list(keys)):
        known = _known(database, page)
        unknown += [key for key in page if key not in known]
    return unknown


class Listing:
    """`survey` first, to its end; it remembers eight bytes for each key.

    So it may take one key for another, which then waits for the next walk. listed: keys so far.
    """

    def __init__(self, database: Database, archive: Archive) -> None:
        self._database, self._archive = database, archive
        self._met = _hashes(())
        self.listed = 0

    def survey(self) -> Iterator[None]:
        """Read all keys once. Yields after each page."""
        pages = [self._met]
        for page in self._archive.listing():
            pages.append(_hashes(page))
            self.listed += len(page)
            yield
        self._met = np.sort(np.concatenate(pages))

    def absent(self) -> tuple[int, int]:
        """How many indexed instances the survey did not meet, and of how many."""
        absent = indexed = 0
        for rows in self._rows():
            indexed += len(rows)
            absent += len(self._unmet(rows))
        return absent, indexed

    def unknown(self) -> Iterator[list[str]]:
        """Keys that the index does not name, in pages, of which some are empty."""
        for page in self._archive.listing():
            for part in _pages(page):
                yield not_indexed(self._database, part)

    def lost(self) -> Iterator[list[Lost]]:
        """Indexed instances that the archive says it does not hold, page by page."""
        for rows in self._rows():
            for part in _pages(self._unmet(rows)):
                held = {held.key for held in self._archive.held([row.archive_key for row in part])}
                yield [row for row in part if row.archive_key not in held]

    def lost_from_quarantine(self) -> list[str]:
        """Paths of quarantined instances that had stayed in the archive and left it since."""
        prefix = in_archive("")
        with self._database.read() as session:
            query = select(QuarantineRow.path).where(QuarantineRow.path.startswith(prefix))
            paths = session.scalars(query).all()
        lost: list[str] = []
        for part in _pages(paths):
            keys = [path.removeprefix(prefix) for path in part]
            held = {held.key for held in self._archive.held(keys)}
            lost += [in_archive(key) for key in keys if key not in held]
        return lost

    def _rows(self) -> Iterator[Sequence[Lost]]:
        """All rows, by key, in short transactions."""
        columns = (
            InstanceRow.sop_instance_uid,
            InstanceRow.study_instance_uid,
            InstanceRow.archive_key,
        )
        query = select(*columns).order_by(InstanceRow.archive_key, InstanceRow.sop_instance_uid)
        last = ""
        while True:
            with self._database.read() as session:
                found = session.execute(
                    query.where(InstanceRow.archive_key > last).limit(_ROWS_AT_ONCE)
                ).all()
            if not found:
                return
            yield [Lost(*row) for row in found]
            last = found[-1].archive_key

    def _unmet(self, rows: Sequence[Lost]) -> list[Lost]:
        if not self._met.size:
            return list(rows)
        hashes = _hashes(row.archive_key for row in rows)
        places = np.minimum(np.searchsorted(self._met, hashes), self._met.size - 1)
        is_met = self._met[places] == hashes
        return [row for row, met in zip(rows, is_met, strict=True) if not met]


def _known(database: Database, keys: Sequence[str]) -> set[str]:
    with database.read() as session:
        query = select(InstanceRow.archive_key).where(InstanceRow.archive_key.in_(keys))
        known = set(session.scalars(query))
        if len(known) < len(keys):
            query = select(TombstoneRow.archive_key).where(TombstoneRow.archive_key.in_(keys))
            known.update(session.scalars(query))
            paths = [in_archive(key) for key in keys]
            query = select(QuarantineRow.path).where(QuarantineRow.path.in_(paths))
            known.update(archive_key(path) or "" for path in session.scalars(query))
    return known


def _hashes(keys: Iterable[str]) -> np.ndarray:
    return np.fromiter(map(hash, keys), np.int64)


def _pages(keys: Sequence) -> Iterator[Sequence]:
    return (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))

"""Comparing index and archive both ways, and mending what can be mended."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeVar

from sqlalchemy import func, select

from adapters.archive import AT_ONCE, Held
from adapters.errors import NotInArchive
from gateway.following import cursor, derived_check
from gateway.following.adoption import Adopted, Adopter
from gateway.following.content_check import ContentCheck
from gateway.following.judging import Found
from gateway.following.listing import Listing, Lost, not_indexed
from gateway.following.loss import forget, forget_quarantined
from gateway.following.waiting import GRACE_SECONDS
from gateway.quarantine import archive_key, in_archive
from gateway.services import Services
from gateway.store.tables import InstanceRow, QuarantineRow

EXAMPLES = 5
BATCH = 100

Item = TypeVar("Item")


class Progress(Protocol):
    """For whoever waits."""

    def say(self, told: str) -> None: ...

    def count(self, doing: str, done: int, of: int = 0) -> None:
        """Often called. of: how many there are, 0 where nobody knows."""
        ...


class Kind(StrEnum):
    """In what ways index and archive can differ."""

    NOT_INDEXED = "not indexed"
    LOST = "not in archive"
    CONTENT = "content differs"
    DERIVED = "wrong counts"


@dataclass(slots=True)
class Difference:
    """count: instances, for DERIVED studies. mended: how many of them are well now.

    examples: UIDs, or what the archive calls them where that is all that is known.
    """

    kind: Kind
    count: int = 0
    mended: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, names: Sequence[str]) -> None:
        self.count += len(names)
        self.examples += names[: EXAMPLES - len(self.examples)]


@dataclass(slots=True)
class Report:
    """under_way: instances that came just now, whose request may still index them.

    quarantined: known to lie in the archive, and not indexed for a reason that is told.
    doubtful: nothing that is indexed was found, or the archive seems another one than before.
    """

    archive: str
    held: int = 0
    indexed: int = 0
    under_way: int = 0
    quarantined: int = 0
    doubtful: bool = False
    differences: list[Difference] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return all(one.mended == one.count for one in self.differences)


@dataclass(frozen=True, slots=True)
class Order:
    """drop_missing: drop what the archive lacks also where it may be the wrong archive.

    deep: read every instance. grace_seconds: what came so short ago is left to who stored it.
    """

    repair: bool = False
    drop_missing: bool = False
    deep: bool = False
    grace_seconds: float = GRACE_SECONDS


class Verification:
    """Runs beside a working gateway: what a request may be doing just now is left to it."""

    def __init__(self, parts: Services, progress: Progress, order: Order) -> None:
        self._parts, self._progress, self._order = parts, progress, order
        self._database, self._archive = parts.database, parts.archive
        self._adopter = Adopter(parts)

    def run(self) -> Report:
        """Raises ArchiveUnavailable, and what the database raises."""
        report = Report(self._archive.check())
        listing = Listing(self._database, self._archive)
        for _ in listing.survey():
            self._progress.count("listed", listing.listed)
        report.held = listing.listed
        unknown, lost = self._settled(listing, report)
        report.doubtful = self._is_doubtful(lost)
        gone = self._forget(lost, report)
        if self._order.repair:
            self._judge_again()
        report.differences = [self._take_in(unknown), gone]
        if self._order.deep:
            report.differences.append(self._check_contents())
        report.differences.append(self._check_derived())
        if self._order.repair:
            self._clean_up(listing, report)
        report.indexed, report.quarantined = self._indexed(), len(self._quarantined_keys())
        return report

    def _settled(self, listing: Listing, report: Report) -> tuple[list[Held], list[Lost]]:
        """What differs, and still does when what may be under way has had its time."""
        keys: list[str] = []
        for page in listing.unknown():
            keys += page
            self._progress.count("compared", len(keys), listing.listed)
        lost = [one for page in listing.lost() for one in page]
        unknown = self._held(keys)
        if lost or any(self._is_young(held) for held in unknown):
            seconds = self._order.grace_seconds
            self._progress.say(f"waiting {seconds:.0f} s: requests may be under way")
            time.sleep(seconds)
            unknown = self._held(not_indexed(self._database, keys))
            lost = list(self._still_lost(lost))
        old = [held for held in unknown if not self._is_young(held)]
        report.under_way = len(unknown) - len(old)
        return old, lost

    def _held(self, keys: Sequence[str]) -> list[Held]:
        return [held for some in _batches(keys, AT_ONCE) for held in self._archive.held(some)]

    def _is_young(self, held: Held) -> bool:
        return held.came_at > time.time() - self._order.grace_seconds

    def _still_lost(self, lost: Sequence[Lost]) -> Iterator[Lost]:
        for batch in _batches(lost, AT_ONCE):
            keys = [one.archive_key for one in batch]
            with self._database.read() as session:
                query = select(InstanceRow.archive_key).where(InstanceRow.archive_key.in_(keys))
                indexed = set(session.scalars(query))
            held = {one.key for one in self._archive.held(keys)}
            yield from (one for one in batch if one.archive_key in indexed - held)

    def _take_in(self, unknown: Sequence[Held]) -> Difference:
        """What is refused is accounted for, too: it is told with its reason."""
        difference = Difference(Kind.NOT_INDEXED)
        difference.add([held.key for held in unknown])
        if self._order.repair:
            for batch in _batches(unknown, BATCH):
                adopted = self._adopt(batch)
                difference.mended += adopted.indexed + adopted.refused
                self._progress.count("indexed", difference.mended, len(unknown))
        return difference

    def _adopt(self, batch: Sequence[Held]) -> Adopted:
        fresh_since = time.time() - self._parts.settings.found_hours * 3600
        return self._adopter.adopt(
            [Found(held, fresh=held.came_at >= fresh_since) for held in batch]
        )

    def _judge_again(self) -> None:
        """What was refused where it lies: what stood against it may be gone."""
        for batch in _batches(self._quarantined_keys(), BATCH):
            self._adopt(self._archive.held(batch))

    def _is_doubtful(self, lost: Sequence[Lost]) -> bool:
        name = cursor.archive_name(self._parts.settings)
        with self._database.read() as session:
            before = cursor.standing(session, name)
        return bool(lost) and (len(lost) >= self._indexed() or bool(before and before.missing))

    def _forget(self, lost: Sequence[Lost], report: Report) -> Difference:
        difference = Difference(Kind.LOST)
        difference.add([one.sop_instance_uid for one in lost])
        if self._order.repair and (self._order.drop_missing or not report.doubtful):
            for batch in _batches(lost, AT_ONCE):
                with self._database.write() as session:
                    forget(session, batch)
                difference.mended += len(batch)
        return difference

    def _check_contents(self) -> Difference:
        difference = Difference(Kind.CONTENT)
        check = ContentCheck(self._parts)
        total, done = self._indexed(), 0
        for rows in check.rows():
            for row in rows:
                done += 1
                try:
                    is_same = check.is_same(row)
                except NotInArchive:
                    continue  # told as lost, or deleted this moment
                if not is_same:
                    difference.add([row.sop_instance_uid])
                self._progress.count("read", done, total)
        return difference

    def _check_derived(self) -> Difference:
        difference = Difference(Kind.DERIVED)
        looked_at = 0
        for uids in derived_check.all_studies(self._database):
            found = derived_check.wrong(self._database, uids, repair=self._order.repair)
            difference.add(found)
            difference.mended += len(found) if self._order.repair else 0
            looked_at += len(uids)
            self._progress.count("studies", looked_at)
        return difference

    def _clean_up(self, listing: Listing, report: Report) -> None:
        with self._database.write() as session:
            forget_quarantined(session, listing.lost_from_quarantine())
            if self._order.drop_missing or not report.doubtful:
                cursor.nothing_missing(session)

    def _indexed(self) -> int:
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(InstanceRow)) or 0

    def _quarantined_keys(self) -> list[str]:
        with self._database.read() as session:
            query = select(QuarantineRow.path).where(QuarantineRow.path.startswith(in_archive("")))
            return [archive_key(path) or "" for path in session.scalars(query)]


def _batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))

"""The overlap of two results, measured once by a worker, after somebody asked for it.

Whoever compares two versions notes the pairs that are not measured yet; SEGs are read here only.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.archive import Archive
from adapters.errors import NotInArchive
from gateway import shadow
from gateway.comparison.agreement import Overlap
from gateway.comparison.pairs import Pair, Run
from gateway.comparison.segments import UNREADABLE, overlaps
from gateway.errors import NotFound
from gateway.following.leader import lead
from gateway.store.database import Database
from gateway.store.inserting import insert_missing
from gateway.store.tables import InstanceRow, OverlapRow, WorkitemRow

SWEEP_SECONDS = 5.0

log = logging.getLogger(__name__)

Measured = Mapping[str, Overlap]  # by Segment Label


def want(database: Database, pairs: Iterable[Pair]) -> None:
    """Note the pairs that both have a SEG, for whoever measures them."""
    with database.read() as session:
        known = _known(session, pairs)
    wanted = [pair for pair in pairs if pair.both_segmented and _key(pair) not in known]
    if wanted:
        rows = [{"first_uid": one.first.uid, "second_uid": one.second.uid} for one in wanted]
        with database.write() as session:
            session.execute(insert_missing(session, OverlapRow).values(rows))


def measured(session: Session, pairs: Iterable[Pair]) -> dict[tuple[str, str], Measured]:
    """By the UIDs of the pair's workitems; what is not measured yet is left out."""
    return {
        key: {label: Overlap(*counts) for label, counts in json.loads(row.voxels).items()}
        for key, row in _known(session, pairs).items()
        if row.voxels is not None
    }


def _key(pair: Pair) -> tuple[str, str]:
    return pair.first.uid, pair.second.uid


def _known(session: Session, pairs: Iterable[Pair]) -> dict[tuple[str, str], OverlapRow]:
    firsts = [pair.first.uid for pair in pairs]
    rows = session.scalars(select(OverlapRow).where(OverlapRow.first_uid.in_(firsts)))
    return {(row.first_uid, row.second_uid): row for row in rows}


@dataclass(frozen=True)
class Overlaps:
    """Measures what is wanted, one pair after the other, in one of all processes."""

    database: Database
    archive: Archive
    data: Path

    def sweep(self) -> None:
        """Raises what an absent archive or database raises; what is measured stays so."""
        with lead(self.database, self.data, "", duty="comparison") as held:
            while held is not None and self._measure_one():
                pass

    def _measure_one(self) -> bool:
        with self.database.read() as session:
            row = session.scalars(select(OverlapRow).where(OverlapRow.voxels.is_(None))).first()
            if row is None:
                return False
            first, second = (
                Run(session.get_one(WorkitemRow, uid)) for uid in (row.first_uid, row.second_uid)
            )
        told = {label: astuple(one) for label, one in self._overlaps(first, second).items()}
        with self.database.write() as session:
            kept = session.get(OverlapRow, (first.uid, second.uid))
            if kept is not None:  # else its work was deleted meanwhile
                kept.voxels = json.dumps(told)
        return True

    def _overlaps(self, first: Run, second: Run) -> Measured:
        try:
            return overlaps(self._segmentation(first), self._segmentation(second))
        except (NotFound, NotInArchive) as gone:
            log.warning("results were deleted before they were compared: %s", gone)
            return {}
        except UNREADABLE as error:
            told = {"first": first.uid, "second": second.uid, "error": type(error).__name__}
            log.warning("segmentations cannot be compared", extra=told)
            return {}

    def _segmentation(self, run: Run) -> bytes:
        """The SEG of a result. Raises NotFound or NotInArchive for a deleted one."""
        uid = next(iter(run.segmentations), "")
        with self.database.read() as session:
            if shadow.is_apart(run.row):
                return shadow.read(session, run.uid, uid)
            row = session.get(InstanceRow, uid)
        if row is None:
            raise NotFound("instance", uid)
        return self.archive.read(row.archive_key)

"""Deleting a study, a series or an instance, and what hangs on it (administrators only).

One transaction takes the rows out of the index, sets up tombstones, withdraws work and results,
and writes a line of trace; then the archive forgets the bytes (gateway/tombstones.py).
"""

import json
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from adapters.errors import ArchiveUnavailable
from gateway import air, worklist
from gateway.fhir import repository
from gateway.outcomes import Outcome
from gateway.retrieve.errors import Gone
from gateway.retrieve.located import Scope, locate
from gateway.search import derived
from gateway.services import Services
from gateway.shadow import is_apart
from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.tables import (
    AssociationRow,
    ExpectationRow,
    InstanceRow,
    SeriesRow,
    StudyRow,
    TombstoneRow,
    WorkitemRow,
)
from gateway.tombstones import INSTANCE, bury, finish, is_pending

_AT_ONCE = 500  # UIDs in one IN (...)

log = logging.getLogger(__name__)


def delete_resource(services: Services, scope: Scope, by: str) -> bool:
    """Delete what the scope names; whether its bytes have left the archive too.

    by: name of the token, for the trace. False: the archive cannot, or will not, forget them now;
    they go as soon as it does. Raises NoSuchResource, and Gone when it was deleted before and
    nothing of it is left.
    """
    try:
        locate(services.database, scope)
    except Gone:
        if not is_pending(services.database, scope.study):
            raise
    else:
        _delete(services.database, scope, by)
    try:
        finish(services.database, services.archive)
    except ArchiveUnavailable as error:
        log.warning("bytes of deleted instances stay for now: %s", error)
    return not is_pending(services.database, scope.study)


def _delete(database: Database, scope: Scope, by: str) -> None:
    with database.write() as session:
        session.get(StudyRow, scope.study, with_for_update=True)  # new instances wait for us
        doomed = _doomed(session, scope.study, partial(_is_in, scope))
        if not doomed.instances:
            return  # another request was faster
        bury(session, doomed.tombstones(scope.study, time.time(), by))
        _take_out(session, scope.study, doomed)
        detail = {"level": scope.name[0], "uid": scope.name[1], "by": by}
        note(session, scope.study, "deleted", {**detail, "instances": len(doomed.instances)})
    log.info("deleted", extra={"study": scope.study, "instances": len(doomed.instances)})


def forget_lost(session: Session, study: str, archive_keys: Collection[str]) -> int:
    """Take out of the index the instances of a study whose bytes have left the archive by itself.

    They leave no tombstones: nobody here deleted them. How many there were.
    """
    session.get(StudyRow, study, with_for_update=True)
    doomed = _doomed(session, study, lambda one: one.archive_key in archive_keys)
    if doomed.instances:
        _take_out(session, study, doomed)
    return len(doomed.instances)


class _Instance(NamedTuple):
    sop_instance_uid: str
    series_instance_uid: str
    archive_key: str


@dataclass(frozen=True)
class _Doomed:
    """series: those that lose their last instance. whole_study: it loses its last series."""

    instances: Sequence[_Instance]
    series: frozenset[str]
    whole_study: bool

    @property
    def uids(self) -> frozenset[str]:
        return frozenset(one.sop_instance_uid for one in self.instances)

    def tombstones(self, study: str, now: float, by: str) -> list[TombstoneRow]:
        told = {"study_instance_uid": study, "deleted_at": now, "deleted_by": by}
        rows = [
            TombstoneRow(
                uid=one.sop_instance_uid, level=INSTANCE, archive_key=one.archive_key, **told
            )
            for one in self.instances
        ]
        rows += [TombstoneRow(uid=uid, level="series", **told) for uid in sorted(self.series)]
        if self.whole_study:
            rows.append(TombstoneRow(uid=study, level="study", **told))
        return rows


def _doomed(session: Session, study: str, is_doomed: Callable[[_Instance], bool]) -> _Doomed:
    columns = (getattr(InstanceRow, name) for name in _Instance._fields)
    query = select(*columns).where(InstanceRow.study_instance_uid == study)
    of_study = [_Instance(*row) for row in session.execute(query)]
    doomed = [one for one in of_study if is_doomed(one)]
    left = {one.series_instance_uid for one in set(of_study) - set(doomed)}
    series = frozenset(one.series_instance_uid for one in doomed) - left
    return _Doomed(doomed, series, whole_study=not left)


def _is_in(scope: Scope, one: _Instance) -> bool:
    return scope.series in (None, one.series_instance_uid) and scope.instance in (
        None,
        one.sop_instance_uid,
    )


def _take_out(session: Session, study: str, doomed: _Doomed) -> None:
    _remove(session, study, doomed)
    _withdraw(session, study, doomed)
    repository.drop_instances(session, study, doomed.uids, deleted=doomed.whole_study)


def _remove(session: Session, study: str, doomed: _Doomed) -> None:
    """The rows of instances, and of series and study where none is left; counts follow."""
    session.flush()
    uids = sorted(doomed.uids)
    for start in range(0, len(uids), _AT_ONCE):
        batch = uids[start : start + _AT_ONCE]
        session.execute(delete(InstanceRow).where(InstanceRow.sop_instance_uid.in_(batch)))
    if doomed.whole_study:
        for table in (StudyRow, ExpectationRow, AssociationRow):
            session.execute(delete(table).where(table.study_instance_uid == study))
        return
    session.execute(delete(SeriesRow).where(SeriesRow.series_instance_uid.in_(doomed.series)))
    derived.refresh(session, [study])


def _withdraw(session: Session, study: str, doomed: _Doomed) -> None:
    """Work on deleted inputs ends, and what deleted reports said is taken back."""
    of_study = select(WorkitemRow).where(WorkitemRow.study_instance_uid == study)
    taken_back: set[str] = set()
    for row in session.scalars(of_study.order_by(WorkitemRow.sop_instance_uid)).all():
        results = json.loads(row.results) if row.results else {}
        objects = {one["sop_instance_uid"] for one in results.get("objects", ())}
        if _loses_inputs(row, doomed) and (is_apart(row) or objects <= doomed.uids):
            worklist.withdraw(session, row, "the instances that it works on were deleted")
            taken_back.add(row.sop_instance_uid)
        elif objects & doomed.uids:
            row.results = json.dumps(air.without(results, doomed.uids))
            if results["root"] in doomed.uids:
                taken_back.add(row.sop_instance_uid)
    repository.withdraw(session, taken_back, air.DELETED)


def _loses_inputs(row: WorkitemRow, doomed: _Doomed) -> bool:
    return row.outcome != Outcome.WITHDRAWN and not doomed.uids.isdisjoint(worklist.inputs_of(row))

"""Whether studies are found and counted by what their rows say, and which rows hold nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from gateway.following.loss import remove_empty
from gateway.search import derived
from gateway.search.values import study_columns
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, SeriesRow, StudyRow, StudyValueRow

_AT_ONCE = 50  # studies; on SQLite nobody else can write meanwhile

Snapshot = dict[str, list[tuple[Any, ...]]]  # by Study Instance UID


def all_studies(database: Database) -> Iterator[Sequence[str]]:
    """Study Instance UIDs in batches, each read in a transaction of its own."""
    query = select(StudyRow.study_instance_uid).order_by(StudyRow.study_instance_uid)
    last = ""
    while True:
        with database.read() as session:
            after = query.where(StudyRow.study_instance_uid > last).limit(_AT_ONCE)
            uids = session.scalars(after).all()
        if not uids:
            return
        yield uids
        last = uids[-1]


def wrong(database: Database, uids: Sequence[str], *, repair: bool) -> list[str]:
    """Those studies whose derived values differ from new ones, or that hold empty rows.

    repair: keep the new ones; else nothing is changed.
    """
    with database.write() as session:
        before = _snapshot(session, uids)
        empty = _with_empty_rows(session, uids)
        derived.refresh(session, uids)
        session.expire_all()
        after = _snapshot(session, uids)
        differing = [uid for uid in uids if before[uid] != after[uid] or uid in empty]
        if not repair:
            session.rollback()
        elif empty:
            remove_empty(session, empty)
    return differing


def _with_empty_rows(session: Session, uids: Sequence[str]) -> set[str]:
    instances = exists().where(InstanceRow.series_instance_uid == SeriesRow.series_instance_uid)
    series = select(SeriesRow.study_instance_uid).where(SeriesRow.study_instance_uid.in_(uids))
    held = exists().where(SeriesRow.study_instance_uid == StudyRow.study_instance_uid)
    studies = select(StudyRow.study_instance_uid).where(StudyRow.study_instance_uid.in_(uids))
    return {
        *session.scalars(series.where(~instances)),
        *session.scalars(studies.where(~held)),
    }


def _snapshot(session: Session, uids: Sequence[str]) -> Snapshot:
    """All that is derived of these studies."""
    found: Snapshot = {uid: [] for uid in uids}
    columns = [getattr(StudyRow, name) for name in study_columns({})]
    counts = (StudyRow.number_of_series, StudyRow.number_of_instances)
    key = StudyRow.study_instance_uid
    for uid, *values in session.execute(select(key, *columns, *counts).where(key.in_(uids))):
        found[uid].append(tuple(values))
    of_series = (
        SeriesRow.study_instance_uid,
        SeriesRow.series_instance_uid,
        SeriesRow.number_of_instances,
    )
    query = select(*of_series).where(SeriesRow.study_instance_uid.in_(uids))
    for uid, *values in session.execute(query.order_by(SeriesRow.series_instance_uid)):
        found[uid].append(tuple(values))
    of_values = (
        StudyValueRow.study_instance_uid,
        StudyValueRow.attribute,
        StudyValueRow.value,
        StudyValueRow.study_date,
        StudyValueRow.study_time,
    )
    query = select(*of_values).where(StudyValueRow.study_instance_uid.in_(uids))
    for uid, *values in session.execute(query.order_by(*of_values)):
        found[uid].append(tuple(values))
    return found

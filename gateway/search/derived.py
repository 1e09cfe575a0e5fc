"""What searches find and count studies by, derived from the rows of studies, series and instances.

`add` follows what was just inserted; `refresh` makes everything anew, and so is right after a
deletion, a replacement or a repair. Both work in the caller's transaction.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from gateway.search.values import (
    SOP_CLASSES_IN_STUDY,
    Found,
    series_values,
    study_columns,
    study_values,
)
from gateway.store.inserting import insert_missing
from gateway.store.tables import InstanceRow, SeriesRow, StudyRow, StudyValueRow

_AT_ONCE = 500  # studies of one statement

Row = Mapping[str, Any]
Values = Mapping[str, Iterable[Found]]  # by Study Instance UID

_IN_STUDY = StudyRow.study_instance_uid == bindparam("uid")
_MORE_IN_STUDY = (
    update(StudyRow)
    .where(_IN_STUDY)
    .values(
        number_of_series=StudyRow.number_of_series + bindparam("series"),
        number_of_instances=StudyRow.number_of_instances + bindparam("instances"),
    )
)
_MORE_IN_SERIES = (
    update(SeriesRow)
    .where(SeriesRow.series_instance_uid == bindparam("uid"))
    .values(number_of_instances=SeriesRow.number_of_instances + bindparam("instances"))
)


def add(
    session: Session,
    instances: Sequence[Row],
    series: Sequence[Row] = (),
    studies: Sequence[Row] = (),
) -> None:
    """Take in rows that were inserted in this transaction, none of them before."""
    if not instances:
        return
    in_study = Counter(row["study_instance_uid"] for row in instances)
    new_in_study = Counter(row["study_instance_uid"] for row in series)
    in_series = Counter(row["series_instance_uid"] for row in instances)
    found: dict[str, set[Found]] = defaultdict(set)
    for row in instances:
        found[row["study_instance_uid"]].add((SOP_CLASSES_IN_STUDY, row["sop_class_uid"]))
    for row in series:
        found[row["study_instance_uid"]].update(series_values(json.loads(row["attributes"])))
    for row in studies:
        found[row["study_instance_uid"]].update(study_values(json.loads(row["attributes"])))
    connection = session.connection()
    connection.execute(
        _MORE_IN_STUDY,
        [
            {"uid": uid, "series": new_in_study[uid], "instances": number}
            for uid, number in sorted(in_study.items())
        ],
    )
    connection.execute(
        _MORE_IN_SERIES,
        [{"uid": uid, "instances": number} for uid, number in sorted(in_series.items())],
    )
    _insert(session, found)


def refresh(session: Session, study_instance_uids: Collection[str]) -> None:
    """Make everything derived of these studies anew; those that are not there are passed over."""
    session.flush()
    uids = sorted(set(study_instance_uids))
    for start in range(0, len(uids), _AT_ONCE):
        _refresh(session, uids[start : start + _AT_ONCE])


def refresh_all(session: Session) -> None:
    """Of every study; it takes about a second for a thousand of them."""
    last = ""
    every = select(StudyRow.study_instance_uid).order_by(StudyRow.study_instance_uid)
    while uids := session.scalars(
        every.where(StudyRow.study_instance_uid > last).limit(_AT_ONCE)
    ).all():
        _refresh(session, uids)
        last = uids[-1]


def _refresh(session: Session, uids: Sequence[str]) -> None:
    found: dict[str, set[Found]] = defaultdict(set)
    series_of, instances_of, instances_in = Counter(), Counter(), Counter()
    for study, series, sop_class, number in session.execute(_held(uids)):
        instances_of[study] += number
        instances_in[series] += number
        found[study].add((SOP_CLASSES_IN_STUDY, sop_class))
    in_studies = SeriesRow.study_instance_uid.in_(uids)
    columns = (SeriesRow.study_instance_uid, SeriesRow.series_instance_uid, SeriesRow.attributes)
    counts: list[Row] = []
    for study, series, attributes in session.execute(select(*columns).where(in_studies)):
        series_of[study] += 1
        counts.append({"uid": series, "instances": instances_in[series]})
        found[study].update(series_values(json.loads(attributes)))
    rows: list[Row] = []
    known = select(StudyRow.study_instance_uid, StudyRow.attributes)
    for study, attributes in session.execute(known.where(StudyRow.study_instance_uid.in_(uids))):
        document = json.loads(attributes)
        found[study].update(study_values(document))
        count = {"series": series_of[study], "instances": instances_of[study]}
        rows.append({"uid": study, **count, **study_columns(document)})
    _replace(session, rows, counts)
    of_studies = StudyValueRow.study_instance_uid.in_(uids)
    session.connection().execute(delete(StudyValueRow).where(of_studies))
    _insert(session, found)


def _held(uids: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """How many instances of each SOP Class there are in each series of the studies."""
    columns = (
        InstanceRow.study_instance_uid,
        InstanceRow.series_instance_uid,
        InstanceRow.sop_class_uid,
    )
    in_studies = InstanceRow.study_instance_uid.in_(uids)
    return select(*columns, func.count()).where(in_studies).group_by(*columns)


def _replace(session: Session, studies: Sequence[Row], series: Sequence[Row]) -> None:
    connection = session.connection()
    if studies:
        columns = {name: bindparam(name) for name in study_columns({})}
        counts = {
            "number_of_series": bindparam("series"),
            "number_of_instances": bindparam("instances"),
        }
        statement = update(StudyRow).where(_IN_STUDY).values(**columns, **counts)
        connection.execute(statement, list(studies))
    if series:
        of_series = SeriesRow.series_instance_uid == bindparam("uid")
        statement = update(SeriesRow).where(of_series)
        connection.execute(
            statement.values(number_of_instances=bindparam("instances")), list(series)
        )


def _insert(session: Session, found: Values) -> None:
    """Insert the values that are not there yet, with date and time of their studies."""
    columns = (StudyRow.study_instance_uid, StudyRow.study_date, StudyRow.study_time)
    when = select(*columns).where(StudyRow.study_instance_uid.in_(found))
    rows = [
        {
            "attribute": attribute,
            "value": value,
            "study_date": date,
            "study_time": time,
            "study_instance_uid": uid,
        }
        for uid, date, time in session.execute(when)
        for attribute, value in found[uid]
    ]
    if not rows:
        return
    rows.sort(key=lambda row: tuple(row.values()))  # so that no two writers wait for each other
    session.connection().execute(insert_missing(session, StudyValueRow), rows)

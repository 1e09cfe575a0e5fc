"""A search carried out on the index."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from pydicom.datadict import dictionary_VR
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from gateway.retrieve.links import instance_url, series_url, study_url, with_links
from gateway.search.attributes import ALWAYS, IF_KNOWN, Level
from gateway.search.conditions import condition
from gateway.search.parameters import Search
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, SeriesRow, StudyRow

Document = dict[str, Any]  # one DICOM JSON object

_STUDY = (StudyRow.study_instance_uid, StudyRow.attributes.label("study_attributes"))
_SERIES = (SeriesRow.series_instance_uid, SeriesRow.attributes.label("series_attributes"))
_INSTANCE = (InstanceRow.sop_instance_uid, InstanceRow.header)
# Newest studies first; the UID last, so that pages never overlap.
_STUDY_ORDER = (
    StudyRow.study_date.desc(),
    StudyRow.study_time.desc(),
    StudyRow.study_instance_uid,
)
_SERIES_ORDER = (
    SeriesRow.series_number.is_(None),
    SeriesRow.series_number,
    SeriesRow.series_instance_uid,
)
_INSTANCE_ORDER = (
    InstanceRow.instance_number.is_(None),
    InstanceRow.instance_number,
    InstanceRow.sop_instance_uid,
)


@dataclass(frozen=True)
class Found:
    """One page of results, and how many more there are behind it."""

    results: Sequence[Document]
    remaining: int


def run(search: Search, database: Database, root: str) -> Found:
    """The page of results a search asks for.

    root:  what gateway.public_url.public_root gives, for RetrieveURL.
    """
    statement = _matching(search, database)
    with database.read() as session:
        page = session.execute(statement.limit(search.limit).offset(search.offset)).all()
        remaining = 0
        if len(page) == search.limit:
            every = select(func.count()).select_from(statement.order_by(None).subquery())
            remaining = max(0, session.execute(every).scalar_one() - search.offset - len(page))
        counts = _counts(session, page, search.level)
    return Found([_Answer(search, row, counts, root).document() for row in page], remaining)


def _matching(search: Search, database: Database) -> Select[*tuple[Any, ...]]:
    columns, order = [*_STUDY], [*_STUDY_ORDER]
    if search.level >= Level.SERIES:
        columns, order = [*columns, *_SERIES], [*order, *_SERIES_ORDER]
    if search.level == Level.INSTANCE:
        columns, order = [*columns, *_INSTANCE], [*order, *_INSTANCE_ORDER]
    statement = select(*columns).select_from(StudyRow)
    if search.level >= Level.SERIES:
        statement = statement.join(
            SeriesRow, SeriesRow.study_instance_uid == StudyRow.study_instance_uid
        )
    if search.level == Level.INSTANCE:
        statement = statement.join(
            InstanceRow, InstanceRow.series_instance_uid == SeriesRow.series_instance_uid
        )
    for attribute, value in search.matches:
        wanted = condition(attribute, value, sqlite=database.is_sqlite)
        if wanted is not None:
            statement = statement.where(wanted)
    return statement.order_by(*order)


@dataclass(frozen=True)
class _Counts:
    """What studies and series hold: modalities, SOP classes, numbers of series and instances."""

    modalities: dict[str, list[str]]
    sop_classes: dict[str, list[str]]
    series_of_study: dict[str, int]
    instances_of_study: dict[str, int]
    instances_of_series: dict[str, int]


def _counts(session: Session, page: Sequence[Row[Any]], level: Level) -> _Counts:
    studies = {row.study_instance_uid for row in page}
    series = {row.series_instance_uid for row in page} if level == Level.SERIES else set()
    number = func.count()
    in_series = InstanceRow.series_instance_uid
    of_series = session.execute(
        select(in_series, number).where(in_series.in_(series)).group_by(in_series)
    )
    in_study = InstanceRow.study_instance_uid
    of_study = session.execute(
        select(in_study, InstanceRow.sop_class_uid, number)
        .where(in_study.in_(studies))
        .group_by(in_study, InstanceRow.sop_class_uid)
    ).all()
    series_of_study = session.execute(
        select(SeriesRow.study_instance_uid, SeriesRow.modality, number)
        .where(SeriesRow.study_instance_uid.in_(studies))
        .group_by(SeriesRow.study_instance_uid, SeriesRow.modality)
    ).all()
    return _Counts(
        modalities=_values(series_of_study),
        sop_classes=_values(of_study),
        series_of_study=_sums(series_of_study),
        instances_of_study=_sums(of_study),
        instances_of_series={uid: count for uid, count in of_series},
    )


def _values(rows: Iterable[tuple[str, str, int]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for uid, value, _ in rows:
        if value:
            found.setdefault(uid, []).append(value)
    return {uid: sorted(values) for uid, values in found.items()}


def _sums(rows: Iterable[tuple[str, str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for uid, _, count in rows:
        found[uid] = found.get(uid, 0) + count
    return found


class _Answer:
    """One result as DICOM JSON."""

    def __init__(self, search: Search, row: Row[Any], counts: _Counts, root: str) -> None:
        self._search, self._row, self._counts, self._root = search, row, counts, root

    def document(self) -> Document:
        known = {**self._stored(), **self._computed()}
        level, fixed = self._search.level, self._search.fixed
        told = [each for each in Level if each <= level and each not in fixed]
        always = {tag for each in told for tag in ALWAYS[each]}
        if self._search.include_all:
            wanted = always | known.keys()
        else:
            if_known = {tag for each in told for tag in IF_KNOWN[each]}
            wanted = always | ((if_known | self._search.include | _UIDS) & known.keys())
        return {tag: known.get(tag) or {"vr": _vr(tag)} for tag in sorted(wanted)}

    def _stored(self) -> Document:
        row, level = self._row, self._search.level
        stored = dict(_read(row.study_attributes))
        if level >= Level.SERIES:
            stored |= _read(row.series_attributes)
        if level == Level.INSTANCE:
            stored |= json.loads(with_links(row.header, self._url()))
        return stored

    def _computed(self) -> Document:
        row, counts, level = self._row, self._counts, self._search.level
        study = row.study_instance_uid
        computed = {
            "0020000D": [study],
            "00080056": ["ONLINE"],
            "00080061": counts.modalities.get(study, []),
            "00080062": counts.sop_classes.get(study, []),
            "00081190": [self._url()],
            "00201206": [counts.series_of_study.get(study, 0)],
            "00201208": [counts.instances_of_study.get(study, 0)],
        }
        if level >= Level.SERIES:
            computed["0020000E"] = [row.series_instance_uid]
        if level == Level.SERIES:
            number = counts.instances_of_series.get(row.series_instance_uid, 0)
            computed["00201209"] = [number]
        return {tag: {"vr": _vr(tag), "Value": value} for tag, value in computed.items() if value}

    def _url(self) -> str:
        row, level = self._row, self._search.level
        study = row.study_instance_uid
        if level == Level.STUDY:
            return study_url(self._root, study)
        if level == Level.SERIES:
            return series_url(self._root, study, row.series_instance_uid)
        return instance_url(self._root, study, row.series_instance_uid, row.sop_instance_uid)


_UIDS = {"0020000D", "0020000E"}  # an answer always says where it belongs


@lru_cache(maxsize=256)
def _read(attributes: str) -> Document:
    """The attributes of a study or series, read once for its many instances; not to be changed."""
    return json.loads(attributes)


@cache
def _vr(tag: str) -> str:
    return dictionary_VR(int(tag, 16))

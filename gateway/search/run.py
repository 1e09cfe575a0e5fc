"""A search carried out on the index.

1. Which few studies can match at all? An index tells, if one of the conditions has one.
2. Else the studies are read in the order of answers, and the reading ends with the page.
3. What is not in columns is compared in the DICOM JSON of what is left.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from gateway.search.answers import Document, Source, answers
from gateway.search.attributes import OF_MANY, Level
from gateway.search.conditions import compared, dated, mentioned
from gateway.search.finders import Found as FoundBy
from gateway.search.finders import found_by
from gateway.search.limits import Deadline, limited
from gateway.search.parameters import Search
from gateway.search.texts import among
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, SeriesRow, StudyRow, StudyValueRow
from standards.query import Condition, matches

MOST_FOUND = 5000  # studies that are looked at one by one rather than in the order of answers
MOST_COUNTED = 1000  # results behind a page that are counted
_ROWS_AT_ONCE = 100

_STUDY = (
    StudyRow.study_instance_uid,
    StudyRow.patient_id,
    StudyRow.number_of_series,
    StudyRow.number_of_instances,
    StudyRow.attributes.label("study_attributes"),
)
_SERIES = (
    SeriesRow.series_instance_uid,
    SeriesRow.number_of_instances.label("instances_of_series"),
    SeriesRow.attributes.label("series_attributes"),
)
_INSTANCE = (InstanceRow.sop_instance_uid, InstanceRow.header)
_SERIES_ORDER = (SeriesRow.series_number.asc().nulls_last(), SeriesRow.series_instance_uid)
_INSTANCE_ORDER = (InstanceRow.instance_number.asc().nulls_last(), InstanceRow.sop_instance_uid)


@dataclass(frozen=True)
class Found:
    """One page of results, how many more there are behind it, and whether that is all of them."""

    results: Sequence[Document]
    remaining: int = 0
    counted: bool = True

    def warning(self, root: str) -> str:
        """The Warning header that tells of those behind the page (PS3.18 8.3.4.4)."""
        more = "" if self.counted else "more than "
        return (
            f"299 {root}/dicom-web: There are {more}{self.remaining} additional results "
            "that can be requested"
        )


def run(search: Search, database: Database, root: str, seconds: float) -> Found:
    """The page of results a search asks for.

    root:  what gateway.public_url.public_root gives, for RetrieveURL.
    seconds:  how long it may take. Raises SearchTooBroad beyond that.
    """
    with database.read() as session, limited(session, seconds) as deadline:
        running = _Running(search, session, database.is_sqlite, deadline)
        page = running.page()
        source = Source(session, root, search)
        return Found(answers(source, page.rows), page.remaining, page.counted)


@dataclass(frozen=True)
class _Page:
    rows: Sequence[Row[Any]]
    remaining: int = 0
    counted: bool = True


@dataclass(frozen=True)
class _Results:
    """order:  the table read in the order of answers: studies, or study_values with one value.
    wheres:  what rows of studies and below must meet. own:  what rows of study_values must.
    """

    order: type[StudyRow | StudyValueRow]
    wheres: Sequence[Any]
    own: Sequence[Any] = ()

    def limited(
        self, statement: Select[*tuple[Any, ...]], *, with_study: bool
    ) -> Select[*tuple[Any, ...]]:
        """with_study:  whether the row of the study is needed, though no condition asks for it."""
        statement = statement.where(*self.own, *self.wheres)
        if self.order is StudyRow or not (with_study or self.wheres):
            return statement
        return statement.where(StudyValueRow.study_instance_uid == StudyRow.study_instance_uid)


class _Running:
    """One search on one database."""

    def __init__(self, search: Search, session: Session, sqlite: bool, deadline: Deadline) -> None:
        self._search, self._session = search, session
        self._sqlite, self._deadline = sqlite, deadline
        self._in_json: dict[Level, list[Condition]] = {level: [] for level in Level}

    def page(self) -> _Page:
        few = self._few_studies()
        if few is not None and not few:
            return _Page([])
        results = self._results(few)
        if any(self._in_json.values()):
            return self._compared_in_json(self._rows(results))
        return self._counted_in_sql(results)

    def _few_studies(self) -> Sequence[str] | None:
        """The studies that can match, None where no condition leads to few of them."""
        for found, _ in self._indexed:
            uids: set[str] = set()
            for finder in found.finders:
                uids.update(self._session.scalars(finder.limit(MOST_FOUND + 1)))
                if len(uids) > MOST_FOUND:
                    break
            else:
                return sorted(uids)
        return None

    @cached_property
    def _indexed(self) -> list[tuple[FoundBy, Condition]]:
        """What indexes find, the fewest first."""
        sqlite = self._sqlite
        found = [(found_by(level, one, sqlite=sqlite), one) for level, one in self._conditions]
        return sorted(
            ((each, one) for each, one in found if each is not None), key=lambda each: each[0].rank
        )

    @property
    def _conditions(self) -> Iterator[tuple[Level, Condition]]:
        for level, of_level in self._search.conditions.items():
            yield from ((level, one) for one in of_level)

    def _results(self, few: Sequence[str] | None) -> "_Results":
        """Where the results are, and in which order to read them."""
        if few is not None:
            of_few = among(StudyRow.study_instance_uid, few, sqlite=self._sqlite)
            return _Results(StudyRow, [of_few, *self._wheres()])
        by_value = next(((each.value, one) for each, one in self._indexed if each.value), None)
        if by_value is None:
            return _Results(StudyRow, [*self._wheres()])
        (attribute, value), condition = by_value
        own = [StudyValueRow.attribute == attribute, StudyValueRow.value == value]
        own += [
            where
            for _, one in self._conditions
            if (where := dated(one, StudyValueRow.study_date)) is not None
        ]
        said = condition if condition.tag in OF_MANY else None  # by the value itself
        return _Results(StudyValueRow, [*self._wheres(said)], own)

    def _wheres(self, said: Condition | None = None) -> Iterator[Any]:
        """Also notes which conditions are left to be compared in JSON."""
        for level, one in self._conditions:
            if one is said:
                continue
            found = compared(level, one, sqlite=self._sqlite)
            if found is not None:
                yield found.where
            if found is None or not found.exact:
                self._in_json[level].append(one)
                yield mentioned(level, one, sqlite=self._sqlite)

    def _rows(self, results: "_Results") -> Select[*tuple[Any, ...]]:
        """All that an answer needs, in the order of answers."""
        level = self._search.level
        columns = [*_STUDY, *(_SERIES if level >= Level.SERIES else ())]
        columns += _INSTANCE if level == Level.INSTANCE else ()
        statement = results.limited(self._joined(select(*columns)), with_study=True)
        newest = (results.order.study_date, results.order.study_time)
        statement = statement.order_by(
            *(column.desc() for column in (*newest, results.order.study_instance_uid))
        )
        if level >= Level.SERIES:
            statement = statement.order_by(*_SERIES_ORDER)
        return statement.order_by(*_INSTANCE_ORDER) if level == Level.INSTANCE else statement

    def _joined(self, statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        level = self._search.level
        if level >= Level.SERIES:
            outer = self._outer(StudyRow.study_instance_uid)
            statement = statement.where(SeriesRow.study_instance_uid == outer)
        if level == Level.INSTANCE:
            of_series = InstanceRow.series_instance_uid == self._outer(
                SeriesRow.series_instance_uid
            )
            statement = statement.where(of_series)
        return statement

    def _outer(self, uid: Any) -> Any:
        """Of a row that is read before the one it is compared with.

        SQLite would read all series and sort them: an expression keeps it from finding the study
        of a series by its index, so that it finds the series of a study.
        """
        return uid.concat("") if self._sqlite else uid

    def _counted_in_sql(self, results: "_Results") -> _Page:
        limit, offset = self._search.limit, self._search.offset
        rows = self._session.execute(self._rows(results).limit(limit).offset(offset)).all()
        if len(rows) < limit:
            return _Page(rows)
        is_study = self._search.level == Level.STUDY
        key = select(results.order.study_instance_uid)
        behind = results.limited(self._joined(key), with_study=not is_study)
        behind = behind.limit(MOST_COUNTED + 1).offset(offset + limit).subquery()
        remaining = self._session.execute(select(func.count()).select_from(behind)).scalar_one()
        return _Page(rows, min(remaining, MOST_COUNTED), remaining <= MOST_COUNTED)

    def _compared_in_json(self, statement: Select[*tuple[Any, ...]]) -> _Page:
        limit, offset = self._search.limit, self._search.offset
        options = {"stream_results": True, "yield_per": _ROWS_AT_ONCE}
        found: list[Row[Any]] = []
        number = 0
        for row in self._matching(self._session.execute(statement, execution_options=options)):
            number += 1
            if offset < number <= offset + limit:
                found.append(row)
            if number > offset + limit + MOST_COUNTED:
                break
        remaining = max(0, number - offset - limit)
        return _Page(found, min(remaining, MOST_COUNTED), remaining <= MOST_COUNTED)

    def _matching(self, rows: Iterable[Row[Any]]) -> Iterator[Row[Any]]:
        in_json = [(level, wanted) for level, wanted in self._in_json.items() if wanted]
        for number, row in enumerate(rows):
            if number % _ROWS_AT_ONCE == 0:
                self._deadline.check()
            if all(matches(wanted, _document(level, row)) for level, wanted in in_json):
                yield row


def _document(level: Level, row: Row[Any]) -> Mapping[str, Any]:
    if level == Level.INSTANCE:
        return json.loads(row.header)
    return _read(row.study_attributes if level == Level.STUDY else row.series_attributes)


@lru_cache(maxsize=256)
def _read(attributes: str) -> Mapping[str, Any]:
    """The attributes of a study or series, read once for its many instances; not to be changed."""
    return json.loads(attributes)

"""Search for workitems (PS3.18 11.9) by the matching rules of all searches.

What has a column or stands in workitem_codes the database narrows down, by an index and in the
order of answers; the rest is compared in the DICOM JSON of the rows that are left.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gateway.search.attributes import SPECIFIC_CHARACTER_SET, TIMEZONE, Level
from gateway.search.limits import Deadline, limited
from gateway.search.parameters import Pairs, Search, parse_search
from gateway.search.run import MOST_COUNTED, Found
from gateway.search.texts import between, like
from gateway.search.tree import Tree, pruned
from gateway.search.values import LONGEST_VALUE
from gateway.store.database import Database
from gateway.store.tables import WorkitemCodeRow, WorkitemRow
from gateway.ups.rows import FOUND_BY
from standards.matching import Instants, Texts, Uids
from standards.query import Condition, Items, Key, matches, vr_of
from standards.study import tag_of
from standards.temporal import in_zone, shifted
from standards.ups_attributes import (
    LABEL,
    PRIORITY,
    REQUIREMENTS,
    SOP_INSTANCE_UID,
    START,
    STATE,
)

Json = dict[str, Any]
Where = ColumnElement[bool]

MOST_RESULTS = 1000  # at a time: each may name hundreds of inputs
_ROWS_AT_ONCE = 100
_ZONES = 27 * 60  # minutes between the clocks that differ most
_CODE_VALUE = tag_of("CodeValue")
_STUDY = tag_of("StudyInstanceUID")
_COLUMNS: Mapping[str, InstrumentedAttribute[str]] = {
    STATE: WorkitemRow.procedure_step_state,
    PRIORITY: WorkitemRow.priority,
    LABEL: WorkitemRow.worklist_label,
    SOP_INSTANCE_UID: WorkitemRow.sop_instance_uid,
    _STUDY: WorkitemRow.study_instance_uid,  # also of one that names its study in its inputs only
}
_ALWAYS = tuple(tag for tag, row in REQUIREMENTS.items() if row.found)
_IF_KNOWN = (SPECIFIC_CHARACTER_SET, TIMEZONE)
_ORDER = (WorkitemRow.scheduled_start, WorkitemRow.sop_instance_uid)


def search(database: Database, query: Pairs, seconds: float) -> Found:
    """One page of workitems, what is to begin first at its head.

    Raises SearchTooBroad after so many seconds, and what parse_search raises.
    """
    asked = parse_search(Level.INSTANCE, {}, query)
    limit, offset = min(asked.limit, MOST_RESULTS), asked.offset
    with database.read() as session, limited(session, seconds) as deadline:
        statement, left = _narrowed(asked.all_conditions, sqlite=database.is_sqlite)
        if not left:
            return _page_in_sql(session, statement, asked, limit)
        found: list[Json] = []
        number = 0
        for _, step in _compared(session, statement, left, deadline):
            number += 1
            if offset < number <= offset + limit:
                found.append(_answer(asked, step))
            if number > offset + limit + MOST_COUNTED:
                break
    remaining = max(0, number - offset - limit)
    return Found(found, min(remaining, MOST_COUNTED), remaining <= MOST_COUNTED)


def every_match(
    session: Session, wanted: Sequence[Condition], *, sqlite: bool
) -> Iterator[tuple[str, Json]]:
    """UID and data set of each workitem that meets the conditions."""
    statement, left = _narrowed(wanted, sqlite=sqlite)
    return _compared(session, statement, left)


def _page_in_sql(session: Session, statement: Select[str, str], asked: Search, limit: int) -> Found:
    rows = session.execute(statement.limit(limit).offset(asked.offset)).all()
    found = [_answer(asked, json.loads(row.dataset)) for row in rows]
    if len(rows) < limit:
        return Found(found)
    behind = statement.with_only_columns(WorkitemRow.sop_instance_uid)
    counted = behind.limit(MOST_COUNTED + 1).offset(asked.offset + limit).subquery()
    remaining = session.execute(select(func.count()).select_from(counted)).scalar_one()
    return Found(found, min(remaining, MOST_COUNTED), remaining <= MOST_COUNTED)


def _compared(
    session: Session,
    statement: Select[str, str],
    left: Sequence[Condition],
    deadline: Deadline | None = None,
) -> Iterator[tuple[str, Json]]:
    options = {"stream_results": True, "yield_per": _ROWS_AT_ONCE}
    rows: Iterator[Row[str, str]] = iter(session.execute(statement, execution_options=options))
    for number, row in enumerate(rows):
        if deadline is not None and number % _ROWS_AT_ONCE == 0:
            deadline.check()
        step = json.loads(row.dataset)
        if matches(left, step):
            yield row.sop_instance_uid, step


def _narrowed(
    wanted: Sequence[Condition], *, sqlite: bool
) -> tuple[Select[str, str], list[Condition]]:
    """The rows that may match, and the conditions that are still to be compared."""
    wheres, left = [], []
    for one in wanted:
        where, exact = _where(one, sqlite)
        if where is not None:
            wheres.append(where)
        if not exact:
            left.append(one)
    statement = select(WorkitemRow.sop_instance_uid, WorkitemRow.dataset)
    return statement.where(*wheres).order_by(*_ORDER), left


def _where(condition: Condition, sqlite: bool) -> tuple[Where | None, bool]:
    """What every match meets, and whether whatever meets it is one."""
    if isinstance(condition, Items) and condition.tag in FOUND_BY:
        return _by_code(condition), False
    if not isinstance(condition, Key):
        return None, False
    one, column = condition.matching, _COLUMNS.get(condition.tag)
    where, exact = None, condition.tag != _STUDY
    if condition.tag == START and isinstance(one, Instants):
        where, exact = _by_start(one), False
    elif column is not None and isinstance(one, Uids):
        where = column.in_(sorted(one.uids))
    elif column is not None and isinstance(one, Texts) and _fits(one):
        where = or_(*(like(column.expression, each, sqlite=sqlite) for each in one.patterns))
    return where, exact and where is not None


def _fits(one: Texts) -> bool:
    """A column holds one value, and not all of a longer one."""
    is_short = all(len(pattern.text) < LONGEST_VALUE for pattern in one.patterns)
    return is_short and not (one.every and len(one.patterns) > 1)


def _by_code(condition: Items) -> Where | None:
    for inner in condition.conditions:
        if not isinstance(inner, Key) or inner.tag != _CODE_VALUE:
            continue
        one = inner.matching
        if isinstance(one, Texts) and all(pattern.is_literal for pattern in one.patterns):
            codes = [pattern.text for pattern in one.patterns]
            with_code = select(WorkitemCodeRow.sop_instance_uid).where(
                WorkitemCodeRow.attribute == condition.tag, WorkitemCodeRow.code_value.in_(codes)
            )
            return WorkitemRow.sop_instance_uid.in_(with_code)
    return None


def _by_start(one: Instants) -> Where:
    """As wide as a moment without an offset may be meant."""
    first, last = (in_zone(moment, zone, 0) for moment, zone in (one.first, one.last))
    column = WorkitemRow.scheduled_start
    return and_(column != "", between(column, shifted(first, -_ZONES), shifted(last, _ZONES)))


def _answer(asked: Search, step: Json) -> Json:
    if asked.include_all:
        return step
    wanted: Tree = {**dict.fromkeys((*_ALWAYS, *_IF_KNOWN)), **asked.include}
    wanted = {tag: None if tag in _ALWAYS else below for tag, below in wanted.items()}
    found = {}
    for tag in sorted(wanted):
        if tag in step:
            found[tag] = pruned(step[tag], wanted[tag])
        elif tag in _ALWAYS:
            found[tag] = {"vr": vr_of(tag)}
    return found

"""Searches answered as Bundles, page by page (FHIR R4, search.html and http.html paging).

Pages follow (lastUpdated, id), and a next link names the last resource that was seen. So a page
is the same whenever it is asked for, nothing is skipped or given twice while resources arrive,
and what changes meanwhile comes again at the end.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from gateway.fhir.criteria import Ids, matching
from gateway.fhir.errors import BadValue, UnknownParameter
from gateway.fhir.parameters import PARAMETERS, RESOURCE_ID
from gateway.store.tables import FhirRow

DEFAULT_COUNT = 50
MAXIMUM_COUNT = 500
MAXIMUM_PARAMETERS = 100

# Parameters of the answer rather than of the resources. Total is always given, and exact.
_OF_ANSWER = ("_count", "_page", "_format", "_pretty", "_total")

_PLACE = re.compile(rf"(\d{{1,12}}(?:\.\d{{1,9}})?)~({RESOURCE_ID.pattern})")

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Query:
    """A search that was understood: what to match, from where, and how many a page.

    understood: the parameters that took part; they are what the self link repeats.
    """

    resource_type: str
    conditions: tuple[Ids, ...]
    understood: tuple[tuple[str, str], ...]
    count: int
    after: tuple[float, str] | None


def parse(resource_type: str, pairs: Pairs, base: str, *, strict: bool = False) -> Query:
    """Read the parameters of a search of one type.

    base: the public address of this server. strict: raise UnknownParameter for what is not
    known; otherwise it is passed over (http.html, Prefer: handling). Raises BadValue.
    """
    if len(pairs) > MAXIMUM_PARAMETERS:
        raise BadValue(pairs[-1][0], f"{MAXIMUM_PARAMETERS} parameters at most")
    conditions, understood = [], []
    for name, value in pairs:
        if name in _OF_ANSWER:
            continue
        condition = matching(resource_type, name, value, base)
        if condition is not None:
            conditions.append(condition)
            understood.append((name, value))
        elif strict:
            raise UnknownParameter(name, (*PARAMETERS[resource_type], *_OF_ANSWER))
    options = dict(pairs)
    return Query(
        resource_type,
        tuple(conditions),
        tuple(understood),
        _count(options.get("_count")),
        _after(options.get("_page")),
    )


def search(session: Session, query: Query, base: str) -> dict[str, Any]:
    """One page of a search as Bundle of type searchset."""
    everything = select(FhirRow).where(
        FhirRow.resource_type == query.resource_type,
        *(FhirRow.id.in_(ids) for ids in query.conditions),
    )
    total = session.scalar(select(func.count()).select_from(everything.subquery()))
    rows = session.scalars(_page(everything, query)).all() if query.count else []
    shown, more = rows[: query.count], len(rows) > query.count
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": _links(query, base, shown[-1] if more else None),
    } | ({"entry": list(_entries(shown, base))} if shown else {})  # FHIR has no empty list


def _page(everything: Select[FhirRow], query: Query) -> Select[FhirRow]:
    """The rows of one page, and one more to tell whether another follows."""
    page = everything.order_by(FhirRow.last_updated, FhirRow.id).limit(query.count + 1)
    if query.after is None:
        return page
    moment, last = query.after
    later = FhirRow.last_updated > moment
    return page.where(or_(later, and_(FhirRow.last_updated == moment, FhirRow.id > last)))


def _entries(rows: Iterable[FhirRow], base: str) -> Iterable[dict[str, Any]]:
    for row in rows:
        yield {
            "fullUrl": f"{base}/{row.resource_type}/{row.id}",
            "resource": json.loads(row.body),
            "search": {"mode": "match"},
        }


def _links(query: Query, base: str, last: FhirRow | None) -> list[dict[str, str]]:
    counted = [*query.understood, ("_count", str(query.count))]
    here = f"{query.after[0]!r}~{query.after[1]}" if query.after else ""
    links = [_link("self", query, base, [*counted, ("_page", here)] if here else counted)]
    if last is not None:
        following = ("_page", f"{last.last_updated!r}~{last.id}")
        links.append(_link("next", query, base, [*counted, following]))
    return links


def _link(relation: str, query: Query, base: str, pairs: Pairs) -> dict[str, str]:
    return {"relation": relation, "url": f"{base}/{query.resource_type}?{urlencode(pairs)}"}


def _count(text: str | None) -> int:
    if text is None:
        return DEFAULT_COUNT
    if not (text.isascii() and text.isdigit()):
        raise BadValue("_count", "a whole number, 0 for the total alone")
    return min(int(text[:9]), MAXIMUM_COUNT)


def _after(text: str | None) -> tuple[float, str] | None:
    if not text:
        return None
    match = _PLACE.fullmatch(text)
    if match is None:
        raise BadValue("_page", "the value of a next link, unchanged")
    return float(match[1]), match[2]

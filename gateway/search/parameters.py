"""The query of a search, read and checked (PS3.18 8.3.4)."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.datadict import keyword_for_tag

from gateway.search.attributes import MATCHABLE, Attribute, Level, tags_of
from gateway.search.errors import InvalidParameter, NotMatchable, UnknownParameter
from standards.errors import UnknownAttribute

MAXIMUM_RESULTS = 5000  # a client that wants more pages on, as the Warning tells it
NOT_SUPPORTED = {  # parameter -> what its Warning says happens instead (PS3.18 8.3.4)
    "fuzzymatching": "Only literal matching has been performed.",
    "emptyvaluematching": "Empty values match everything.",
    "multiplevaluematching": "Only lists of UIDs and of codes have been matched.",
}
_ELSEWHERE = frozenset({"accept", "charset"})  # PS3.18 8.3.3, read where the answer is written


@dataclass(frozen=True)
class Search:
    """One search: which resources, which of them, which attributes, which page.

    fixed:  the levels whose UID stands in the path; their attributes are not repeated.
    include:  tags asked for by includefield; `include_all` asks for every one.
    """

    level: Level
    fixed: frozenset[Level]
    matches: tuple[tuple[Attribute, str], ...]
    include: frozenset[str]
    include_all: bool
    limit: int
    offset: int
    warnings: tuple[str, ...]


def parse_search(level: Level, path: dict[str, str], query: Iterable[tuple[str, str]]) -> Search:
    """Read the parameters of a search for the resources of one level.

    path:  StudyInstanceUID and SeriesInstanceUID where the resource names them.
    query:  the decoded name and value pairs, in order.
    Raises InvalidParameter, UnknownParameter, NotMatchable: all are 400.
    """
    controls: dict[str, str] = {}
    fields: list[str] = []
    matches = [(MATCHABLE[tags_of(keyword)], uid) for keyword, uid in path.items()]
    asked: set[tuple[str, ...]] = set()
    for name, value in query:
        key = name.lower()
        if key == "includefield":
            fields += [item.strip() for item in value.split(",") if item.strip()]
        elif key in ("limit", "offset") or key in NOT_SUPPORTED:
            controls[key] = value.strip()
        elif key not in _ELSEWHERE:
            attribute = _matchable(name, level)
            if attribute.path in asked:
                raise InvalidParameter(name, "given twice", "one value, or a list of UIDs")
            asked.add(attribute.path)
            matches.append((attribute, value))
    return Search(
        level=level,
        fixed=frozenset(attribute.level for attribute, _ in matches[: len(path)]),
        matches=tuple(matches),
        include=frozenset(_tag(field) for field in fields if field.lower() != "all"),
        include_all=any(field.lower() == "all" for field in fields),
        limit=min(_count(controls, "limit", MAXIMUM_RESULTS), MAXIMUM_RESULTS),
        offset=_count(controls, "offset", 0),
        warnings=tuple(_warnings(controls)),
    )


def _matchable(name: str, level: Level) -> Attribute:
    try:
        path = tags_of(name)
    except UnknownAttribute as error:
        raise UnknownParameter(name) from error
    attribute = MATCHABLE.get(path)
    if attribute is None or attribute.level > level:
        possible = (a for a in MATCHABLE.values() if a.level <= level)
        names = ", ".join(sorted(_keywords(a.path) for a in possible))
        raise NotMatchable(name, level.resource, names)
    return attribute


def _keywords(path: tuple[str, ...]) -> str:
    return ".".join(keyword_for_tag(int(tag, 16)) for tag in path)


def _tag(field: str) -> str:
    """The tag to return. Of a path it is the sequence: items are returned whole."""
    try:
        return tags_of(field)[0]
    except UnknownAttribute as error:
        raise InvalidParameter(
            "includefield", repr(field[:80]), "`all`, or keywords or tags of DICOM attributes"
        ) from error


def _count(controls: dict[str, str], name: str, default: int) -> int:
    text = controls.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidParameter(name, repr(text[:80]), "a whole number, zero or more")
    return int(text)


def _warnings(controls: dict[str, str]) -> Iterable[str]:
    for name, instead in NOT_SUPPORTED.items():
        value = controls.get(name, "false").lower()
        if value not in ("true", "false"):
            raise InvalidParameter(name, repr(value[:80]), "true or false")
        if value == "true":
            yield f"The {name} parameter is not supported. {instead}"

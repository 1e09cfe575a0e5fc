"""The query of a search, read and checked (PS3.18 8.3.4)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.search.attributes import (
    ANSWERED_ONLY,
    SPECIFIC_CHARACTER_SET,
    TIMEZONE,
    Level,
    level_of,
    tags_of,
)
from gateway.search.errors import (
    InvalidParameter,
    MalformedQuery,
    NotMatchable,
    UnknownParameter,
)
from gateway.search.tree import Tree, add
from standards.errors import UnfitValue, UnknownAttribute
from standards.matching import Matching, Uids
from standards.query import (
    Condition,
    Creator,
    Path,
    Private,
    conditions,
    creator_of,
    is_private,
    vr_of,
)
from standards.query_values import How, matching
from standards.temporal import offset

MAXIMUM_RESULTS = 5000  # a client that wants more pages on, as the Warning tells it
DEEPEST_PATH = 8
_SWITCHES = ("fuzzymatching", "emptyvaluematching", "multiplevaluematching")
_CONTROLS = frozenset(("limit", "offset", *_SWITCHES))
_ELSEWHERE = frozenset({"accept", "charset"})  # PS3.18 8.3.3, read where the answer is written

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Search:
    """One search: which resources, which of them, which attributes, which page.

    fixed:  the levels whose UID stands in the path; their attributes are not repeated.
    conditions:  what the attributes of each level must meet.
    include:  what is to be returned beyond the usual; `include_all`: everything known.
    creators:  of the private attributes in it, by their tags.
    """

    level: Level
    fixed: frozenset[Level]
    conditions: Mapping[Level, tuple[Condition, ...]]
    include: Tree
    include_all: bool
    creators: Mapping[str, str]
    limit: int
    offset: int

    @property
    def all_conditions(self) -> list[Condition]:
        """For what has one level only."""
        return [one for of_level in self.conditions.values() for one in of_level]


def parse_search(
    level: Level, path: dict[str, str], query: Pairs, patient_id: str | None = None
) -> Search:
    """Read the parameters of a search for the resources of one level.

    path:  StudyInstanceUID and SeriesInstanceUID where the resource names them.
    query:  the decoded name and value pairs, in order.
    patient_id:  of the only patient whose studies are to be found; None for all of them.
    Raises InvalidParameter, UnknownParameter, NotMatchable, MalformedQuery: all are 400.
    """
    asked = _Asked(level)
    for name, value in query:
        asked.take(name, value)
    asked.read()
    fixed = {level_of(tags_of(keyword)[0]) for keyword in path}
    for keyword, uid in path.items():
        if not uid.isprintable():
            raise InvalidParameter(f"{keyword} of the path", "unprintable", "a UID")
        asked.must_be(tags_of(keyword), uid)
    if patient_id is not None:
        asked.must_be(tags_of("PatientID"), patient_id)
    return Search(
        level=level,
        fixed=frozenset(fixed),
        conditions=asked.conditions(),
        include=asked.include,
        include_all=asked.include_all,
        creators=asked.creators,
        limit=min(asked.number("limit", MAXIMUM_RESULTS), MAXIMUM_RESULTS),
        offset=asked.number("offset", 0),
    )


@dataclass
class _Asked:
    """The parameters of one search, as they come."""

    level: Level
    controls: dict[str, str] = field(default_factory=dict)
    values: dict[Path, tuple[str, str]] = field(default_factory=dict)  # the name, the value
    fields: list[str] = field(default_factory=list)
    include: Tree = field(default_factory=dict)
    include_all: bool = False
    creators: dict[str, str] = field(default_factory=dict)
    _how: How = field(default_factory=How)
    _wanted: dict[Level, list[tuple[Path, Matching]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _private: list[Condition] = field(default_factory=list)
    _used: set[str] = field(default_factory=set)  # creators of attributes that were asked for
    _always: list[tuple[Path, Matching]] = field(default_factory=list)

    def take(self, name: str, value: str) -> None:
        key = name.lower()
        if key == "includefield":
            self.fields += [item.strip() for item in value.split(",") if item.strip()]
        elif key in _CONTROLS:
            self.controls[key] = value.strip()
        elif key not in _ELSEWHERE:
            self._take_match(name, value)

    def read(self) -> None:
        """Once everything is taken: what one parameter means may hang on another."""
        zone = self._zone()
        fuzzy, empty, multiple = (self._switch(name) for name in _SWITCHES)
        self._how = How(fuzzy, empty, multiple, zone)
        self.creators = {
            path[0]: value.strip()
            for path, (_, value) in self.values.items()
            if is_private(path[0]) and creator_of(path[0]) == path[0]
        }
        for path, (name, value) in self.values.items():
            if path != (SPECIFIC_CHARACTER_SET,):  # which is never matched, PS3.4 C.2.2.2
                self._match(path, name, value)
        for name in self.fields:
            self._include(name)
        # A creator that comes with no attribute of its own is itself what is looked for.
        for tag in self.creators.keys() - self._used:
            self._private.append(Creator(tag, self.creators[tag]))

    def must_be(self, path: Path, value: str) -> None:
        self._always.append((path, Uids(frozenset((value,)))))

    def conditions(self) -> dict[Level, tuple[Condition, ...]]:
        try:
            found = {level: conditions(self._wanted[level], self._how.zone) for level in Level}
        except UnfitValue as error:
            raise MalformedQuery(error.found, error.expected) from error
        found[Level.INSTANCE] += tuple(self._private)
        for path, one in self._always:
            found[level_of(path[0])] += conditions([(path, one)])
        return found

    def number(self, name: str, default: int) -> int:
        text = self.controls.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise InvalidParameter(name, repr(text[:80]), "a whole number, zero or more")
        return int(text)

    def _take_match(self, name: str, value: str) -> None:
        path = _path(name)
        known = self.values.get(path)
        if known is not None and vr_of(path[-1]) != "UI":
            raise InvalidParameter(name, "given twice", "one value, or a list of UIDs")
        # Up to 2018 a list of UIDs was a parameter for each of them.
        self.values[path] = (name, f"{known[1]},{value}" if known else value)

    def _match(self, path: Path, name: str, value: str) -> None:
        level = self._matchable(path, name)
        add(self.include, path)
        if is_private(path[0]):
            self._match_private(path, name, value)
            return
        try:
            one = matching(vr_of(path[-1]), value, self._how)
        except UnfitValue as error:
            raise InvalidParameter(name, error.found, error.expected) from error
        if one is not None:
            self._wanted[level].append((path, one))

    def _match_private(self, path: Path, name: str, value: str) -> None:
        if path[0] in self.creators:
            return
        creator, value = self._creator(path, name), value.strip()
        if not value.strip("*") and not (self._how.empty and value == ""):
            return
        if len(value) > 1024 or not value.isprintable():
            raise InvalidParameter(name, "too long or unprintable", "a text of up to 1024 letters")
        self._private.append(Private(path[0], creator, value, self._how))

    def _creator(self, path: Path, name: str) -> str:
        creator = self.creators.get(creator_of(path[0]), "")
        self._used.add(creator_of(path[0]))
        if not creator or len(path) > 1:
            raise InvalidParameter(
                name,
                "a private attribute",
                "one at the top of the data set, and its Private Creator "
                f"as another parameter: {creator_of(path[0])}=... (PS3.18 8.3.4.1)",
            )
        return creator

    def _matchable(self, path: Path, name: str) -> Level:
        level, tag = level_of(path[0]), path[0]
        if tag in ANSWERED_ONLY or tag < "0008" or tag.endswith("0000"):
            raise NotMatchable(name, self.level.resource, "it is no part of what is stored")
        if level > self.level:
            where = " or ".join(each.resource for each in Level if each >= level)
            raise NotMatchable(name, self.level.resource, f"it belongs to {where}, search those")
        return level

    def _include(self, name: str) -> None:
        if name.lower() == "all":
            self.include_all = True
            return
        try:
            path = _path(name)
        except UnknownParameter as error:
            expected = "`all`, or keywords or tags of DICOM attributes"
            raise InvalidParameter("includefield", repr(name[:80]), expected) from error
        if is_private(path[0]):
            self._creator(path, f"includefield={name}")
        add(self.include, path)

    def _switch(self, name: str) -> bool:
        value = self.controls.get(name, "false").lower()
        if value not in ("true", "false"):
            raise InvalidParameter(name, repr(value[:80]), "true or false")
        return value == "true"

    def _zone(self) -> int | None:
        """In which dates and times are meant (PS3.18 8.3.4.1.1). It is not matched itself."""
        name, value = self.values.pop((TIMEZONE,), ("", ""))
        text = value if not value.startswith(" ") else f"+{value[1:]}"  # a `+` is a space
        zone = offset(text.strip())
        if text.strip() and zone is None:
            raise InvalidParameter(name, repr(value[:20]), "an offset such as +0100")
        return zone


def _path(name: str) -> Path:
    if name.count(".") >= DEEPEST_PATH:
        raise InvalidParameter(name, "a deeper path", f"at most {DEEPEST_PATH} attributes")
    try:
        path = tags_of(name)
    except UnknownAttribute as error:
        raise UnknownParameter(name) from error
    if any(vr_of(tag) != "SQ" for tag in path[:-1]):
        raise InvalidParameter(
            name, "a path through what is no sequence", "sequences, an attribute"
        )
    return path

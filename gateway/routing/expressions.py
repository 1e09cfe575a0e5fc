"""The escape hatch: a condition in CEL (Common Expression Language), for what no table can say.

CEL has no loops but its macros over lists, so an expression ends; how late is bounded by how many
macros it may nest, how long it and the lists it sees may be. 500 characters with two macros over
100 series took 0.2 s at worst; usual ones take some 0.03 ms.
"""

import re
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Any, Self

import cel
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydicom.datadict import dictionary_VM

from gateway.routing import kinds
from gateway.routing.subject import COMPUTED, Subject
from standards.errors import UnknownAttribute
from standards.study import tag_of

LONGEST, MOST_MACROS, MOST_VALUES, MOST_SERIES = 500, 2, 100, 100

_MACRO = re.compile(r"\b(?:all|exists|exists_one|map|filter)\b")
_BOUND = re.compile(r"\b(?:all|exists|exists_one|map|filter)\s*\(\s*(\w+)\s*,")
_MATCHES = re.compile(r"\bmatches\b")
_OF_SERIES = re.compile(r"\bseries\s*\.\s*([A-Z]\w*)")
_NAME = re.compile(r"\b[A-Z]\w+\b")
_VARIABLES = frozenset(("series", "study", "arrival"))

# What a trial at writing time finds an attribute to be; only types count.
_SAMPLES: dict[str, Any] = {"number": 1.0, "age": 1.0, "date": "20260314", "time": "073000"}


class Expression(BaseModel):
    """`series`, `study` (with `study.series`, a list) and `arrival` hold the attributes that the
    expression names, by keyword: numbers as double, ages in years, lists where the data dictionary
    allows several values. An attribute that is absent makes the expression not hold; `has()` asks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    expression: str = Field(min_length=1, max_length=LONGEST)

    @model_validator(mode="after")
    def _can_be_evaluated(self) -> Self:
        macros = len(_MACRO.findall(self.expression))
        if macros > MOST_MACROS:
            raise ValueError(
                f"the expression has {macros} of all, exists, exists_one, map, filter; expected at "
                f"most {MOST_MACROS}, so that it ends soon"
            )
        if _MATCHES.search(self.expression):  # compiled at each call, up to 0.3 s for a costly one
            raise ValueError(
                "the expression calls `matches`; use contains, startsWith or endsWith in it, or a "
                "condition with `matches` beside it"
            )
        for name in _OF_SERIES.findall(self.expression):
            if name not in COMPUTED:
                tag_of(name)
        program = self._program
        unknown = set(program.variables()) - _VARIABLES - set(_BOUND.findall(self.expression))
        if unknown:
            raise ValueError(
                f"the expression names {', '.join(sorted(unknown))}; "
                "expected series, study, arrival"
            )
        self._try_out(program)
        return self

    def why_not(self, subject: Subject) -> str | None:
        """None when it holds for this series, else what stood against it (never the values)."""
        try:
            answer = self._program.execute(_context(self._names, subject))
        except KeyError as error:
            return f"no {error.args[0]}"
        except TypeError:
            return "its values do not compare"
        except (RuntimeError, ValueError, ArithmeticError, LookupError) as error:
            return f"it could not be evaluated: {type(error).__name__}"
        if isinstance(answer, bool):
            return None if answer else ""
        return "it is neither true nor false"

    def holds(self, subject: Subject) -> bool:
        return self.why_not(subject) is None

    def __str__(self) -> str:
        return self.expression

    @property
    def _program(self) -> Any:
        return _compiled(self.expression)

    @cached_property
    def _names(self) -> frozenset[str]:
        """The attributes that it names anywhere, so that nothing else need be handed over."""
        return frozenset(name for name in _NAME.findall(self.expression) if _is_known(name))

    def _try_out(self, program: Any) -> None:
        """On values of the right types. Raises ValueError for types that do not compare."""
        sample = {name: _sample(name) for name in self._names}
        context = {"series": sample, "study": {**sample, "series": [sample]}, "arrival": sample}
        try:
            answer = program.execute(context)
        except TypeError as error:
            raise ValueError(
                "the expression compares types that do not compare; expected text with text in "
                "quotes, numbers with numbers, and `in` for lists"
            ) from error
        except (RuntimeError, ValueError, ArithmeticError, LookupError) as error:
            if "Undefined" in str(error):
                told = str(error).partition(". Check")[0].strip()
                raise ValueError(f"the expression cannot be evaluated: {told}") from error
            return  # it depends on the values
        if not isinstance(answer, bool):
            raise ValueError(
                f"the expression gives {type(answer).__name__}; expected true or false"
            )


@lru_cache(maxsize=2048)
def _compiled(source: str) -> Any:
    try:
        return cel.compile(source)
    except ValueError as error:
        told = (
            str(error)
            .rpartition("ERROR: <input>:")[2]
            .partition("\n")[0]
            .partition(" expecting ")[0]
        )
        raise ValueError(f"the expression is no CEL: {told or 'it nests too deeply'}") from error


def _is_known(name: str) -> bool:
    try:
        return name in COMPUTED or bool(tag_of(name))
    except UnknownAttribute:
        return False


def _context(names: Iterable[str], subject: Subject) -> dict[str, Any]:
    def of(series: Any) -> dict[str, Any]:
        one = Subject(series, subject.study, subject.arrival)
        found = {name: _value(name, one) for name in names}
        return {name: value for name, value in found.items() if value not in (None, [])}

    series = of(subject.series)
    study: dict[str, Any] = {"series": [of(one) for one in subject.study.series[:MOST_SERIES]]}
    return {"series": series, "study": series | study, "arrival": series}


def _value(name: str, subject: Subject) -> Any:
    kind = kinds.kind_of(name)
    read: Callable[[Any], Any] = str
    if kind in kinds.READERS and kind not in ("text", "address"):
        read = kinds.READERS[kind]
    found = [item for item in map(read, subject.values(name)) if item is not None][:MOST_VALUES]
    return found if _is_list(name) else next(iter(found), None)


def _sample(name: str) -> Any:
    value = _SAMPLES.get(kinds.kind_of(name), "A")
    return [value] if _is_list(name) else value


def _is_list(name: str) -> bool:
    if name in COMPUTED:
        return name == "ModalitiesInStudy"
    return dictionary_VM(int(tag_of(name), 16)) != "1"

"""The searchable values of a resource, as the table of parameters names them."""

import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.fhir.parameters import PARAMETERS, Kind, Parameter
from gateway.fhir.periods import period_of

Resource = dict[str, Any]


class Value(NamedTuple):
    """One value of one parameter, as gateway.store.tables.FhirSearchRow keeps it.

    A reference by identifier alone is a token of the parameter `<name>:identifier`.
    """

    parameter: str
    system: str = ""
    value: str = ""
    low: float | None = None
    high: float | None = None


def values_of(resource: Resource) -> list[Value]:
    """Every searchable value of a resource, each once, in a fixed order."""
    parameters = PARAMETERS[resource["resourceType"]].values()
    found = (value for parameter in parameters for value in _values(resource, parameter))
    return list(dict.fromkeys(found))


def folded(text: str) -> str:
    """Text as strings are compared: without case and accents (FHIR R4 search, string)."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def _values(resource: Resource, parameter: Parameter) -> Iterator[Value]:
    extract = _EXTRACT[parameter.kind]
    for path in parameter.paths:
        for element in _elements(resource, path):
            yield from extract(parameter, element)


def _elements(resource: Resource, path: str) -> list[Any]:
    found: list[Any] = [resource]
    for name in path.split("."):
        inner = [item[name] for item in found if isinstance(item, dict) and name in item]
        found = [v for value in inner for v in (value if isinstance(value, list) else [value])]
    return found


def _tokens(parameter: Parameter, element: Any) -> Iterator[Value]:
    """code, Coding, CodeableConcept or Identifier, told apart by what they hold."""
    if isinstance(element, str):
        yield Value(parameter.name, parameter.system, element)
    elif "coding" in element:
        for coding in element["coding"]:
            yield from _tokens(parameter, coding)
    elif code := element.get("code") or element.get("value"):
        yield Value(parameter.name, element.get("system", ""), code)


def _references(parameter: Parameter, element: Resource) -> Iterator[Value]:
    target = element.get("reference", "")
    kind = target.partition("/")[0] if target else element.get("type", "")
    if kind and kind not in parameter.targets:
        return
    if target:
        yield Value(parameter.name, value=target)
    identifier = element.get("identifier", {})
    if identifier.get("value"):
        name = f"{parameter.name}:identifier"
        yield Value(name, identifier.get("system", ""), identifier["value"])


def _dates(parameter: Parameter, element: str) -> Iterator[Value]:
    low, high = period_of(element)
    yield Value(parameter.name, low=low, high=high)


def _strings(parameter: Parameter, element: Any) -> Iterator[Value]:
    """A string, or every part of a HumanName."""
    if isinstance(element, str):
        yield Value(parameter.name, value=folded(element))
        return
    for part in ("text", "family", "given", "prefix", "suffix"):
        for text in _elements(element, part):
            yield Value(parameter.name, value=folded(text))


_EXTRACT = {
    Kind.TOKEN: _tokens,
    Kind.REFERENCE: _references,
    Kind.DATE: _dates,
    Kind.STRING: _strings,
}

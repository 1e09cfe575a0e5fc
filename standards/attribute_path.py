"""Where in a header an attribute lies: a keyword, a tag, a private element, or a path to one.

    Modality                                                keyword
    00080060                                                tag
    RequestAttributesSequence.RequestedProcedureDescription through every item of a sequence
    (0029,xx10) SIEMENS CSA HEADER                          private: pydicom's way to write a block
                                                            that is not known, then its creator

A private element takes the rest of the text as its creator, dots and spaces too.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydicom.datadict import private_dictionary_VR

from standards.errors import UnknownAttribute
from standards.query import private_places, vr_of
from standards.study import Header, tag_of
from standards.vrs import NAME_GROUPS

_PRIVATE = re.compile(r"\(?([0-9A-Fa-f]{3}[13579BDFbdf]),?[xX]{2}([0-9A-Fa-f]{2})\)? +(\S.*)")


@dataclass(frozen=True, slots=True)
class AttributePath:
    """tags: eight hexadecimal digits each, all but the last of sequences.

    creator: of the last one where it is private and its block is to be looked for, else "".
    vr: what the dictionaries know of the last one; "UN" where they know nothing.
    """

    tags: tuple[str, ...]
    creator: str
    vr: str

    def values(self, header: Header) -> list[Any]:
        """All values in all items, [] when absent or empty; a PN as text, UN bytes as text."""
        return [value for element in self._elements(header) for value in _values(element)]

    def is_in(self, header: Header) -> bool:
        """Whether it is there with a value, or an item."""
        return any(
            element.get("Value") or element.keys() & {"InlineBinary", "BulkDataURI"}
            for element in self._elements(header)
        )

    def _elements(self, header: Header) -> Iterator[dict[str, Any]]:
        *outer, last = self.tags
        items = [header]
        for tag in outer:
            items = [
                inner
                for item in items
                for inner in item.get(tag, {}).get("Value", ())
                if isinstance(inner, dict)
            ]
        for item in items:
            places = private_places(dict(item), last, self.creator) if self.creator else (last,)
            yield from (item[place] for place in places if place in item)


@lru_cache(maxsize=4096)
def attribute_path(text: str) -> AttributePath:
    """Raises UnknownAttribute, also for a path through what is no sequence."""
    tags: list[str] = []
    rest = text.strip()
    while not (private := _PRIVATE.fullmatch(rest)):
        name, dot, rest = rest.partition(".")
        tags.append(tag_of(name))
        if not dot:
            return _path(text, tags, "", vr_of(tags[-1]))
    group, element, creator = private.groups()
    tags.append(f"{group}xx{element}".upper())
    return _path(text, tags, creator, _private_vr(f"{group}10{element}", creator))


def _path(text: str, tags: list[str], creator: str, vr: str) -> AttributePath:
    if any(vr_of(tag) not in ("SQ", "UN") for tag in tags[:-1]):
        raise UnknownAttribute(text)
    return AttributePath(tuple(tags), creator, vr)


def _private_vr(tag: str, creator: str) -> str:
    try:
        return private_dictionary_VR(int(tag, 16), creator)
    except KeyError:
        return "UN"


def _values(element: dict[str, Any]) -> list[Any]:
    if element.get("vr") == "UN" and "InlineBinary" in element:
        content = base64.b64decode(element["InlineBinary"]).decode("latin-1")
        return [part for part in re.split(r"\\", content.strip(" \0")) if part]
    found = [_text(value) for value in element.get("Value", ())]
    return [value for value in found if value not in (None, "")]


def _text(value: Any) -> Any:
    """A PN as the first of its component groups that holds anything (PS3.18 F.2.2)."""
    if isinstance(value, dict):
        return next((value[group] for group in NAME_GROUPS if value.get(group)), None)
    return value

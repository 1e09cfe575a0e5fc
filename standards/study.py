"""A study as its headers tell it: what routing, selection and the worklist look at.

Headers are DICOM JSON (PS3.18 Annex F), as the index keeps them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from pydicom.datadict import keyword_for_tag, tag_for_keyword

from standards.errors import UnknownAttribute

Header = Mapping[str, Any]


@lru_cache(maxsize=4096)
def tag_of(name: str) -> str:
    """The eight upper-case hexadecimal digits of a keyword or tag. Raises UnknownAttribute."""
    tag = tag_for_keyword(name) if name else None  # some retired elements have no keyword
    if tag is not None:
        return f"{tag:08X}"
    if len(name) == 8 and all(c in "0123456789abcdefABCDEF" for c in name):
        number = int(name, 16)
        if keyword_for_tag(number) or (number >> 16) % 2:  # known, or private
            return name.upper()
    raise UnknownAttribute(name)


def values(header: Header, name: str) -> list[Any]:
    """All values of an attribute, [] when absent or empty; a PN as its Alphabetic text."""
    element = header.get(tag_of(name), {})
    return [v.get("Alphabetic", "") if _is_name(v) else v for v in element.get("Value", [])]


def value(header: Header, name: str, default: Any = None) -> Any:
    """The first value of an attribute, or the default."""
    return next(iter(values(header, name)), default)


def _is_name(item: Any) -> bool:
    return isinstance(item, dict) and bool({"Alphabetic", "Ideographic", "Phonetic"} & item.keys())


class Headers(Sequence[Header]):
    """Headers as the index keeps them, each read when it is first looked at.

    Of a series that serves no model only the first is, and the texts take a tenth of the memory.
    """

    def __init__(self, texts: Iterable[bytes | str]) -> None:
        self._texts: list[bytes | str | Header] = list(texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        found = self._texts[index]
        if isinstance(found, bytes | str):
            found = self._texts[index] = json.loads(found)
        return found


@dataclass(frozen=True)
class Series:
    """The headers of one series, one per instance, in no particular order."""

    series_instance_uid: str
    headers: Sequence[Header]

    @property
    def first(self) -> Header:
        return self.headers[0]

    def value(self, name: str, default: Any = None) -> Any:
        return value(self.first, name, default)

    @cached_property
    def sop_instance_uids(self) -> tuple[str, ...]:
        return tuple(sorted(str(value(header, "SOPInstanceUID")) for header in self.headers))


@dataclass(frozen=True)
class Study:
    study_instance_uid: str
    series: Sequence[Series]

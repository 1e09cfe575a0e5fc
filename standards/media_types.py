"""Media types and the Accept header as DICOMweb uses them (PS3.18 8.7, RFC 9110 12.5.1).

Types, subtypes and parameter names are compared without regard to case; `type=image/jls`,
`type="image/jls"` and Orthanc's `type="image/jls; transfer-syntax=..."` mean the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

_MOST_RANGES = 200  # of an Accept header that are looked at; no client sends as many
# What stands before the next separator. Nothing is tried twice, so the time is linear.
_PIECE = {
    separator: re.compile(rf'(?:[^"{separator}]++|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))*+', re.DOTALL)
    for separator in ",;"
}
_ACCEPTABLE_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?|\.\d{1,3})")


@dataclass(frozen=True)
class MediaType:
    """One media type or range. For multipart/related, `root` is what its parts are."""

    name: str  # such as application/dicom+json, image/*, */*
    parameters: Mapping[str, str] = field(default_factory=dict)
    quality: float = 1.0

    @property
    def is_multipart(self) -> bool:
        return self.name in ("multipart/related", "multipart/*")

    @property
    def root(self) -> str:
        """The media type of the payload: of the parts of a multipart, else of the body."""
        return self.parameters.get("type", "*/*") if self.is_multipart else self.name

    @property
    def transfer_syntax(self) -> str | None:
        """The UID asked for, `*` for whatever is stored, None when nothing is said."""
        return self.parameters.get("transfer-syntax")

    def covers(self, name: str) -> bool:
        """Whether the range, by its root, includes a concrete media type."""
        kind, _, subtype = self.root.partition("/")
        wanted_kind, _, wanted_subtype = name.partition("/")
        return kind in ("*", wanted_kind) and subtype in ("*", "", wanted_subtype)


ANYTHING = MediaType("*/*")


def parse_media_type(text: str) -> MediaType:
    """Read one media type with its parameters. What is not `name=value` is passed over."""
    name, *rest = _split(text, ";")
    parameters = _parameters(rest)
    inner, *nested = _split(parameters.get("type", ""), ";")
    parameters = {**_parameters(nested), **parameters}
    if "type" in parameters:
        parameters["type"] = inner.strip().lower()
    quality = _quality(parameters.pop("q", "1"))
    return MediaType(name.strip().lower(), parameters, quality)


def parse_accept(header: str) -> tuple[MediaType, ...]:
    """What a client accepts, the most wanted first; an empty header accepts anything.

    Order: quality, then exact types before ranges, then as written. Quality 0 is left out, and what
    comes after the first _MOST_RANGES.
    """
    texts = (text for text in _split(header, ",") if text.strip())
    found = [parse_media_type(text) for text in islice(texts, _MOST_RANGES)]
    if not found:
        return (ANYTHING,)
    wanted = [media_type for media_type in found if media_type.quality > 0]
    return tuple(sorted(wanted, key=lambda m: (-m.quality, m.root.count("*"))))


def first_covered(accepted: tuple[MediaType, ...], offered: tuple[str, ...]) -> str | None:
    """The offered single-part type the client wants most, or None. Offers: best first."""
    for media_type in accepted:
        if media_type.is_multipart:
            continue
        for name in offered:
            if media_type.covers(name):
                return name
    return None


def _parameters(texts: Iterable[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts if "=" in text]
    return {name.strip().lower(): _unquoted(value.strip()) for name, _, value in pairs}


def _split(text: str, separator: str) -> Iterator[str]:
    """Split where the separator stands outside quotation marks; an open quotation runs on."""
    piece, position = _PIECE[separator], 0
    while (found := piece.match(text, position)) is not None:
        yield found[0]
        position = found.end() + 1
        if position > len(text):
            return


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value.strip('"')


def _quality(text: str) -> float:
    """A weight of RFC 9110 12.4.2; one that cannot be read counts as 1, as most servers do."""
    return float(text) if _ACCEPTABLE_QUALITY.fullmatch(text) else 1.0

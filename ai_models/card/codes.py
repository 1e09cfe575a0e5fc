"""Coded concepts and units of a card, checked against the context groups of PS3.16 as pydicom has
them.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydicom.sr._concepts_dict import concepts
from pydicom.sr.coding import Code

from ai_models.card.strict import Strict
from standards import codes

CATEGORY_GROUP = 7150  # Segmentation Property Categories


class Concept(Strict):
    """One coded concept. Schemes: SCT, DCM, LN, RADLEX, ...; 99... are private.

    extension: says on purpose that no context group of DICOM has this code.
    """

    scheme: str = Field(pattern=r"^[A-Za-z0-9_]{1,16}$")
    value: str = Field(min_length=1, max_length=16)
    meaning: str = Field(min_length=1, max_length=64)
    extension: bool = False

    @property
    def code(self) -> Code:
        return Code(self.value, self.scheme, self.meaning)

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.extension or self.scheme.startswith("99"):
            return self
        known = _meanings(self.scheme)
        if self.value not in known:
            raise ValueError(
                f"code {self.value} of scheme {self.scheme} ({self.meaning}) is in no context "
                f"group; {_near(self.meaning, self.scheme)}, or say `extension = true` if it is "
                "meant"
            )
        if not _agree(self.meaning, known[self.value]):
            raise ValueError(
                f"code {self.value} of scheme {self.scheme} means {known[self.value]!r}, not "
                f"{self.meaning!r}; {_near(self.meaning, self.scheme)}"
            )
        return self


def _in_category_group(concept: Concept) -> Concept:
    members = {
        value: meaning
        for entry in concepts["SCT"].values()
        for value, (meaning, groups) in entry.items()
        if CATEGORY_GROUP in groups
    }
    if concept.value not in members:
        listed = "; ".join(f"{value} {meaning}" for value, meaning in sorted(members.items()))
        raise ValueError(
            f"{concept.meaning!r} is no category of CID 7150; expected one of {listed}"
        )
    return concept


Category = Annotated[Concept, AfterValidator(_in_category_group)]


def _known_unit(unit: str) -> str:
    if unit not in _meanings("UCUM"):
        known = {one.lower(): one for one in _meanings("UCUM")}
        near = [known[one] for one in get_close_matches(unit.lower(), known, n=4, cutoff=0.5)]
        raise ValueError(
            f"unit {unit!r} is none that DICOM lists from UCUM"
            + (f"; near it are {', '.join(near)}" if near else "; such as mm, ml, % and 1")
        )
    return unit


Unit = Annotated[str, AfterValidator(_known_unit), Field(description="UCUM")]


def unit_code(unit: str) -> Code:
    return Code(unit, "UCUM", _meanings("UCUM")[unit])


def is_listed(code: Code) -> bool:
    """Whether a context group has the code, whatever it is said to mean."""
    return code.value in _meanings(code.scheme_designator)


def structure_named(name: str) -> Concept | None:
    """The concept of SNOMED CT that a context group lists and that is called so, without case."""
    found = _by_name("SCT").get(_plain(name))
    return None if found is None else Concept(scheme="SCT", value=found[0], meaning=name.strip())


@cache
def _meanings(scheme: str) -> dict[str, str]:
    """Value -> meaning of one scheme, with what this program itself writes beside it."""
    listed = {
        value: meaning
        for entry in concepts.get(scheme, {}).values()
        for value, (meaning, _groups) in entry.items()
    }
    return {code.value: code.meaning for code in _own(scheme)} | listed


def _own(scheme: str) -> Iterable[Code]:
    every = (one for one in vars(codes).values() if isinstance(one, Code))
    return (code for code in every if code.scheme_designator == scheme)


@cache
def _by_name(scheme: str) -> dict[str, tuple[str, str]]:
    """Plain name -> value and meaning; what the standard calls it has no words in brackets."""
    named = {_plain(meaning): (value, meaning) for value, meaning in _meanings(scheme).items()}
    for keyword, entry in concepts.get(scheme, {}).items():
        value, (meaning, _groups) = next(iter(entry.items()))
        named[_plain(keyword)] = (value, meaning)
    return named


def _plain(name: str) -> str:
    return "".join(name.split()).replace("_", "").lower()


def _agree(meaning: str, listed: str) -> bool:
    """Meanings are texts for people: one may say more than the other, not something else."""
    one, other = meaning.lower(), listed.lower()
    return one in other or other in one


def _near(meaning: str, scheme: str) -> str:
    known = _by_name(scheme)
    near = [known[name] for name in get_close_matches(_plain(meaning), known, n=3, cutoff=0.6)]
    if not near:
        return f"expected a code that PS3.16 lists for {scheme}"
    return "did you mean " + ", ".join(f"{value} ({text})" for value, text in dict(near).items())

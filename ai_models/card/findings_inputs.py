"""`[[inputs]]` of kind `findings`: what a model takes of another one's answer (docs/chains.md)."""

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ai_models.card.conditions import Condition
from ai_models.card.finding_kinds import OF_KIND, FindingKind
from ai_models.card.strict import Name, Strict
from standards.findings import Finding, Findings

Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$")]


class InputFindings(Strict):
    """The findings of another model on one of the series that this one gets.

    The other model works first. Where it gives no result, or a condition does not hold, this one
    does not run, and that is told.
    """

    name: Name
    kind: Literal["findings"]
    from_model: Name = Field(description="name of the other model; its live version works")
    minimum_version: Version | None = Field(default=None, description="of the other model")
    of: Name | None = Field(
        default=None,
        description="the input with the series that they lie on; unset = the first one",
    )
    kinds: tuple[FindingKind, ...] = Field(default=(), description="only these; unset = all")
    when: tuple[Condition, ...] = Field(
        default=(), max_length=16, description="all must hold, or this model does not run"
    )

    def wanted(self, found: Findings) -> tuple[Finding, ...]:
        """Those of the kinds that are asked for, in the order of FindingKind."""
        return tuple(
            one
            for kind, cls in OF_KIND.items()
            if not self.kinds or kind in self.kinds
            for one in found.claims
            if isinstance(one, cls)
        )

    @property
    def needs(self) -> frozenset[FindingKind]:
        """The kinds that it asks for by name, itself or in its conditions."""
        return frozenset((*self.kinds, *(one.of for one in self.when)))

    def accepts(self, version: str) -> bool:
        """Whether a version of the other model is new enough."""
        return self.minimum_version is None or _order(version) >= _order(self.minimum_version)

    def why_not(self, found: Findings) -> str:
        """The first condition that does not hold, and what was found; "" where all hold."""
        return next((told for one in self.when if (told := one.why_not(found))), "")


def _order(version: str) -> list[tuple[bool, int, str]]:
    """Versions are ordered part by part, numbers as numbers and after words: 1.10 after 1.9,
    and 1.0 after 1.0-rc1."""
    parts = re.findall(r"\d+|[A-Za-z]+", version)
    ordered = [(one.isdecimal(), int(one) if one.isdecimal() else 0, one) for one in parts]
    return [*ordered, (True, -1, "")]  # the end comes after words and before numbers

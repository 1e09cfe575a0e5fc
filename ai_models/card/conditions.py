"""`[[inputs.when]]`: what the findings of another model must say for a model to run on them."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ai_models.card.codes import Concept, Unit
from ai_models.card.finding_kinds import FindingKind
from ai_models.card.strict import Strict
from standards import codes
from standards.findings import Findings, Measurement

PRESENT = Concept(
    scheme=codes.PRESENT.scheme_designator,
    value=codes.PRESENT.value,
    meaning=codes.PRESENT.meaning,
)
Probability = Annotated[float, Field(ge=0, le=1)]


class ClassificationIs(Strict):
    """A classification has this answer, `Present` unless another one is named."""

    of: ClassVar = FindingKind.CLASSIFICATION
    kind: Literal["classification"]
    concept: Concept
    value: Concept = PRESENT
    probability_at_least: Probability | None = None

    def why_not(self, found: Findings) -> str:
        answers = [one for one in found.classifications if one.concept == self.concept.code]
        fitting = [one for one in answers if one.value == self.value.code]
        if any(_is_sure(one.probability, self.probability_at_least) for one in fitting):
            return ""
        told = ", ".join(_said(one.value.meaning, one.probability) for one in answers)
        expected = _said(self.value.meaning, self.probability_at_least, "at least ")
        return f"{self.concept.meaning} is {told or 'not judged'}; expected {expected}"


class RegionIsThere(Strict):
    """At least one region of this finding."""

    of: ClassVar = FindingKind.REGION
    kind: Literal["region"]
    finding: Concept
    probability_at_least: Probability | None = None

    def why_not(self, found: Findings) -> str:
        there = [one for one in found.regions if one.finding == self.finding.code]
        if any(_is_sure(one.probability, self.probability_at_least) for one in there):
            return ""
        told = f"found {len(there)} region(s) of {self.finding.meaning}"
        if self.probability_at_least is None:
            return f"{told}; expected one or more"
        return f"{told}; expected one of probability {self.probability_at_least:g} or more"


class MeasurementWithin(Strict):
    """A measurement is within limits, of which at least one is given."""

    of: ClassVar = FindingKind.MEASUREMENT
    kind: Literal["measurement"]
    concept: Concept
    unit: Unit
    site: Concept | None = None
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _has_limits(self) -> Self:
        low, high = self.at_least, self.at_most
        if low is None and high is None:
            raise ValueError("a condition on a measurement has at_least, at_most or both")
        if low is not None and high is not None and low > high:
            raise ValueError(f"at_least {low:g} is above at_most {high:g}; exchange them")
        return self

    def why_not(self, found: Findings) -> str:
        measured = [one for one in found.measurements if self._is_meant(one)]
        if any(self._is_within(one.value) for one in measured):
            return ""
        where = f" of {self.site.meaning}" if self.site else ""
        told = ", ".join(f"{one.rounded:g} {self.unit}" for one in measured)
        low = None if self.at_least is None else f"at least {self.at_least:g}"
        high = None if self.at_most is None else f"at most {self.at_most:g}"
        expected = " and ".join(filter(None, (low, high)))
        found_ = told or f"not measured in {self.unit}"
        return f"{self.concept.meaning}{where} is {found_}; expected {expected} {self.unit}"

    def _is_meant(self, one: Measurement) -> bool:
        is_there = self.site is None or one.site == self.site.code
        return one.concept == self.concept.code and one.unit.value == self.unit and is_there

    def _is_within(self, value: float) -> bool:
        low, high = self.at_least, self.at_most
        return (low is None or value >= low) and (high is None or value <= high)


class StructureIsThere(Strict):
    """The label map marks a structure of this type, in one voxel or more."""

    of: ClassVar = FindingKind.LABEL_MAP
    kind: Literal["structure"]
    type: Concept

    def why_not(self, found: Findings) -> str:
        labels = found.label_map
        if labels is None:
            return f"there is no label map; expected one that marks {self.type.meaning}"
        for number, structure in enumerate(labels.structures, start=1):
            if structure.type == self.type.code and (labels.voxels == number).any():
                return ""
        return f"the label map marks no {self.type.meaning}; expected it in one voxel or more"


Condition = Annotated[
    ClassificationIs | RegionIsThere | MeasurementWithin | StructureIsThere,
    Field(discriminator="kind"),
]


def _is_sure(probability: float | None, at_least: float | None) -> bool:
    return at_least is None or (probability is not None and probability >= at_least)


def _said(answer: str, probability: float | None, bound: str = "") -> str:
    return answer if probability is None else f"{answer} ({bound}{probability:g})"

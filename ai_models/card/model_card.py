"""The model card: who a model is, what it may see, what it gives, what it needs.

`card.toml` in a model's folder and the JSON body of POST /api/v1/models are the same schema.
"""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from ai_models.card.bundle import METADATA, card_of_bundle
from ai_models.card.channels import Channel, channels_or_one
from ai_models.card.family import Family
from ai_models.card.finding_kinds import OF_OUTPUT, FindingKind
from ai_models.card.findings_inputs import InputFindings, Version
from ai_models.card.gate import GateRules
from ai_models.card.inputs import Input, InputSeries
from ai_models.card.outputs import Output
from ai_models.card.preprocessing import Inference, Mode, Preprocessing
from ai_models.card.resources import Resources
from ai_models.card.runtime import OWN_WORKLIST, Runtime, Ups
from ai_models.card.strict import Name, Strict
from ai_models.card.tensors import ON_SLICES, misfits

FILE = "card.toml"
TAKE_FINDINGS = ("python",)
OUTSIDE = "outside"  # the queue of work that no worker of ours takes


class Stage(StrEnum):
    """Where a model stands. `shadow` and `live` models are run; only `live` is clinical."""

    DRAFT = "draft"
    SHADOW = "shadow"
    LIVE = "live"
    RETIRED = "retired"


class ModelCard(Strict):
    """One version of one model. DESIGN.md, Model contract."""

    name: Name
    version: Version
    title: str = Field(
        min_length=1, max_length=64, description="for people and Series Descriptions"
    )
    description: str = Field(min_length=1)
    manufacturer: str = Field(min_length=1, max_length=64)
    intended_use: str = Field(min_length=1)
    license: str = Field(min_length=1)
    contact: str = ""
    limits: tuple[str, ...] = ()
    family: Family = Family.ARTIFICIAL_INTELLIGENCE
    stage: Stage = Stage.LIVE
    runtime: Runtime
    inputs: tuple[Input, ...] = Field(
        min_length=1, max_length=8, description="the results are drawn on the first one"
    )
    channels: tuple[Channel, ...] = Field(
        default=(), max_length=64, description="unset = one, of the only input"
    )
    gives: tuple[FindingKind, ...] = Field(
        default=(),
        description="kinds of findings that a class may give, for models that stand on them; "
        "unset = it does not say. Those of a network follow from its outputs",
    )
    preprocessing: Preprocessing = Preprocessing()
    inference: Inference = Inference()
    outputs: tuple[Output, ...] = Field(
        default=(), max_length=16, description="what the tensors of the network mean"
    )
    gate: GateRules = GateRules()
    resources: Resources = Resources()

    @property
    def queue(self) -> str:
        """Who may perform its work: the workers of a kind of device, or performers outside."""
        return OUTSIDE if isinstance(self.runtime, Ups) else self.resources.queue

    @property
    def worklist(self) -> str:
        """Worklist Label (0074,1202) of its workitems."""
        return self.runtime.worklist if isinstance(self.runtime, Ups) else OWN_WORKLIST

    @property
    def network_channels(self) -> tuple[Channel, ...]:
        """Of all tensors that go into the network, one tensor after the other."""
        return channels_or_one(self.channels, self.series)

    @property
    def looks_at_single_slices(self) -> bool:
        """Whether the network tells places on each slice of a volume by itself."""
        is_by_slice = self.inference.mode is Mode.SLICES
        return is_by_slice and all(isinstance(one, ON_SLICES) for one in self.outputs)

    @property
    def series(self) -> tuple[InputSeries, ...]:
        """The inputs that are series."""
        return tuple(one for one in self.inputs if isinstance(one, InputSeries))

    @property
    def stands_on(self) -> tuple[InputFindings, ...]:
        """The inputs that are findings of other models."""
        return tuple(one for one in self.inputs if isinstance(one, InputFindings))

    def input(self, name: str) -> InputSeries:
        """The input series of that name, of which there is one."""
        return next(one for one in self.series if one.name == name)

    def series_of(self, findings: InputFindings) -> InputSeries:
        """The input with the series that these findings lie on."""
        return self.input(findings.of or self.series[0].name)

    @property
    def given_kinds(self) -> frozenset[FindingKind] | None:
        """What kinds of findings it may give; None where its card does not say."""
        return frozenset(self.gives).union(*(OF_OUTPUT[one.kind] for one in self.outputs)) or None

    @field_validator("inputs")
    @classmethod
    def _fit_together(cls, inputs: tuple[Input, ...]) -> tuple[Input, ...]:
        names = [one.name for one in inputs]
        if len(set(names)) < len(names):
            raise ValueError("two inputs have one name; give each a name of its own")
        first = inputs[0]
        if isinstance(first, InputFindings) or first.optional or first.prior:
            raise ValueError(
                "the first input is `optional`, `prior` or of kind findings, but results are drawn "
                "on it; put a series first that is neither"
            )
        lie_on = {one.name for one in inputs if isinstance(one, InputSeries) and not one.prior}
        for one in inputs:
            if isinstance(one, InputFindings) and one.of not in {None, *lie_on}:
                raise ValueError(
                    f"the findings of input {one.name} lie on input {one.of!r}; expected one that "
                    f"is a series of this study: {', '.join(sorted(lie_on))}"
                )
        return inputs

    @model_validator(mode="after")
    def _tensors_are_explained(self) -> Self:
        found = misfits(
            self.runtime,
            self.series,
            channels=self.channels,
            preprocessing=self.preprocessing,
            inference=self.inference,
            outputs=self.outputs,
        )
        if told := "; ".join(found):
            raise ValueError(told)
        return self

    @model_validator(mode="after")
    def _takes_findings(self) -> Self:
        kind = self.runtime.kind
        if self.stands_on and kind not in TAKE_FINDINGS:
            raise ValueError(
                f"a runtime of kind {kind} takes no findings of other models; expected "
                f"{', '.join(TAKE_FINDINGS)}, or [[inputs]] that are series"
            )
        if self.gives and self.outputs:
            raise ValueError("what a network gives is told by its [[outputs]]; expected no `gives`")
        return self


def has_card(folder: Path) -> bool:
    """Whether read_card has something to read."""
    return any((folder / name).is_file() for name in (FILE, METADATA))


def read_card(folder: Path) -> ModelCard:
    """The card of a model folder; of a MONAI bundle without one, what its metadata say.

    Raises FileNotFoundError, UnfitMetadata, tomllib.TOMLDecodeError, pydantic.ValidationError.
    """
    if has_card(folder) and not (folder / FILE).is_file():
        return ModelCard.model_validate(card_of_bundle(folder))
    return ModelCard.model_validate(tomllib.loads((folder / FILE).read_text("utf-8")))

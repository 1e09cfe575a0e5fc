"""The model card: who a model is, what it may see, what it gives, what it needs.

`card.toml` in a model's folder and the JSON body of POST /api/v1/models are the same schema.
"""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from ai_models.card.bundle import METADATA, card_of_bundle
from ai_models.card.channels import Channel, channels_or_one
from ai_models.card.family import Family
from ai_models.card.gate import GateRules
from ai_models.card.inputs import InputSeries
from ai_models.card.outputs import Output
from ai_models.card.preprocessing import Inference, Mode, Preprocessing
from ai_models.card.resources import Resources
from ai_models.card.runtime import OWN_WORKLIST, Runtime, Ups
from ai_models.card.strict import Name, Strict
from ai_models.card.tensors import ON_SLICES, misfits

Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$")]
FILE = "card.toml"
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
    inputs: tuple[InputSeries, ...] = Field(
        min_length=1, max_length=8, description="the results are drawn on the first one"
    )
    channels: tuple[Channel, ...] = Field(
        default=(), max_length=64, description="unset = one, of the only input"
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
        return channels_or_one(self.channels, self.inputs)

    @property
    def looks_at_single_slices(self) -> bool:
        """Whether the network tells places on each slice of a volume by itself."""
        is_by_slice = self.inference.mode is Mode.SLICES
        return is_by_slice and all(isinstance(one, ON_SLICES) for one in self.outputs)

    def input(self, name: str) -> InputSeries:
        """The input of that name, of which there is one."""
        return next(one for one in self.inputs if one.name == name)

    @field_validator("inputs")
    @classmethod
    def _fit_together(cls, inputs: tuple[InputSeries, ...]) -> tuple[InputSeries, ...]:
        names = [one.name for one in inputs]
        if len(set(names)) < len(names):
            raise ValueError("two inputs have one name; give each a name of its own")
        if inputs[0].optional or inputs[0].prior:
            raise ValueError(
                "the first input is `optional` or `prior`, but results are drawn on it; "
                "put one first that is neither"
            )
        return inputs

    @model_validator(mode="after")
    def _tensors_are_explained(self) -> Self:
        found = misfits(
            self.runtime,
            self.inputs,
            channels=self.channels,
            preprocessing=self.preprocessing,
            inference=self.inference,
            outputs=self.outputs,
        )
        if told := "; ".join(found):
            raise ValueError(told)
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

"""The model card: who a model is, what it may see, what it gives, what it needs.

`card.toml` in a model's folder and the JSON body of POST /api/v1/models are the same schema.
"""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$")]
Entry = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stage(StrEnum):
    """Where a model stands. `shadow` and `live` models are run; only `live` is clinical."""

    DRAFT = "draft"
    SHADOW = "shadow"
    LIVE = "live"
    RETIRED = "retired"


class Orientation(StrEnum):
    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


OUTSIDE = "outside"  # the queue of work that no worker of ours takes


class Runtime(_Strict):
    """How the model is run.

    python: `entry` is `module:Class`, made without arguments.
    ups: not here; a performer outside claims the work over UPS-RS, from the queue `worklist`.
    """

    kind: str = Field(default="python", pattern="^(python|ups)$")
    entry: Entry | Literal[""] = ""
    worklist: str = Field(
        default="AIRGATE",
        min_length=1,
        max_length=64,
        pattern=r"^[^\\\x00-\x1f*?]+$",
        description="Worklist Label (0074,1202) of its workitems",
    )

    @model_validator(mode="after")
    def _entry_of_what_runs_here(self) -> Self:
        if (self.kind == "ups") == bool(self.entry):
            wanted = "no entry: it runs outside" if self.entry else "an entry, `module:Class`"
            raise ValueError(f"a runtime of kind {self.kind} has {wanted}")
        return self


class Contrast(StrEnum):
    """Whether Contrast/Bolus Agent (0018,0010) says anything."""

    WITH = "with"
    WITHOUT = "without"


class InputSeries(_Strict):
    """Which series serves as one input. Unset fields accept anything.

    Text fields are compared without case. Of several series that fit, the better one wins by, in
    this order: `prefer_kernel`, `prefer_contrast`, original before derived images, regular before
    irregular slices, more slices, the lower series number. Secondary captures never fit, unless
    `sop_class_uid` names their class.
    """

    name: Name = "image"
    optional: bool = Field(default=False, description="the model also runs without it")
    prior: bool = Field(
        default=False, description="of an earlier study of the same patient, the newest that fits"
    )
    maximum_age_days: int | None = Field(
        default=None, ge=1, description="of a prior, before the study's date"
    )
    modality: tuple[str, ...] = ()
    sop_class_uid: tuple[str, ...] = ()
    body_part_examined: tuple[str, ...] = Field(
        default=(), description="accepted values; a series that states none is accepted too"
    )
    orientation: Orientation | None = None
    minimum_slices: int = Field(default=1, ge=1)
    maximum_slices: int = Field(default=5000, ge=1)
    maximum_slice_spacing_mm: float | None = Field(default=None, gt=0)
    maximum_slice_thickness_mm: float | None = Field(default=None, gt=0)
    regular_spacing: bool = Field(
        default=False, description="whether all slices must be equally far apart, within 5 %"
    )
    contrast: Contrast | None = None
    image_type_excludes: tuple[str, ...] = ("LOCALIZER", "SECONDARY", "SCREEN SAVE")
    derivation_excludes: tuple[str, ...] = Field(
        default=(), description="words that may not stand in Derivation Description, such as CATH"
    )
    description_includes: tuple[str, ...] = Field(
        default=(), description="words of which one must stand in Series Description"
    )
    description_excludes: tuple[str, ...] = Field(
        default=(), description="words that may not stand in Series Description"
    )
    prefer_kernel: tuple[str, ...] = Field(
        default=(), description="beginnings of Convolution Kernel, best first"
    )
    prefer_contrast: Contrast | None = None

    @model_validator(mode="after")
    def _age_of_priors_only(self) -> Self:
        if self.maximum_age_days is not None and not self.prior:
            raise ValueError(f"input {self.name} has maximum_age_days; that goes with `prior`")
        return self


class Resources(_Strict):
    device: str = Field(default="cpu", pattern="^(cpu|cuda)$")
    memory_mb: int = Field(default=2048, ge=64)
    timeout_seconds: float = Field(default=600, gt=0)
    retries: int = Field(
        default=1, ge=0, le=3, description="how often work is tried again whose model failed"
    )
    concurrency: int | None = Field(
        default=None,
        ge=1,
        description="workitems of this version that the workers of all machines together perform "
        "at once; unset = as many as there are workers",
    )

    @property
    def queue(self) -> str:
        """Which workers may perform it: those that serve this kind of device."""
        return "gpu" if self.device == "cuda" else "cpu"


class ModelCard(_Strict):
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
    stage: Stage = Stage.LIVE
    runtime: Runtime
    inputs: tuple[InputSeries, ...] = Field(
        min_length=1, max_length=8, description="the results are drawn on the first one"
    )
    resources: Resources = Resources()

    @property
    def queue(self) -> str:
        """Who may perform its work: the workers of a kind of device, or performers outside."""
        return OUTSIDE if self.runtime.kind == "ups" else self.resources.queue

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


def read_card(folder: Path) -> ModelCard:
    """The card of a model folder.

    Raises FileNotFoundError, tomllib.TOMLDecodeError, pydantic.ValidationError.
    """
    return ModelCard.model_validate(tomllib.loads((folder / "card.toml").read_text("utf-8")))

"""The model card: who a model is, what it may see, what it gives, what it needs.

`card.toml` in a model's folder and the JSON body of POST /api/v1/models are the same schema.
"""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

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


class Runtime(_Strict):
    """How the model is run. `python`: `entry` is `module:Class`, made without arguments."""

    kind: str = Field(default="python", pattern="^python$")
    entry: Entry


class InputSeries(_Strict):
    """Which series serves as one input. Unset fields accept anything.

    Text fields are compared without case. `prefer_kernel` breaks ties between eligible series:
    earlier entries win; then more slices win, then the lower series number.
    """

    name: Name = "image"
    modality: tuple[str, ...] = ()
    sop_class_uid: tuple[str, ...] = ()
    body_part_examined: tuple[str, ...] = Field(
        default=(), description="accepted values; a series that states none is accepted too"
    )
    orientation: Orientation | None = None
    minimum_slices: int = Field(default=1, ge=1)
    maximum_slices: int = Field(default=5000, ge=1)
    maximum_slice_spacing_mm: float | None = Field(default=None, gt=0)
    image_type_excludes: tuple[str, ...] = ("LOCALIZER", "SECONDARY", "SCREEN SAVE")
    description_excludes: tuple[str, ...] = Field(
        default=(), description="words that may not stand in Series Description"
    )
    prefer_kernel: tuple[str, ...] = Field(
        default=(), description="beginnings of Convolution Kernel, best first"
    )


class Resources(_Strict):
    device: str = Field(default="cpu", pattern="^(cpu|cuda)$")
    memory_mb: int = Field(default=2048, ge=64)
    timeout_seconds: float = Field(default=600, gt=0)
    retries: int = Field(
        default=1, ge=0, le=3, description="how often work is tried again whose model failed"
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
    inputs: tuple[InputSeries, ...] = Field(min_length=1, max_length=1)
    resources: Resources = Resources()


def read_card(folder: Path) -> ModelCard:
    """The card of a model folder.

    Raises FileNotFoundError, tomllib.TOMLDecodeError, pydantic.ValidationError.
    """
    return ModelCard.model_validate(tomllib.loads((folder / "card.toml").read_text("utf-8")))

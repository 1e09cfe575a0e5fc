"""`[[inputs]]`: which series a model may see, and which findings of other models."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from ai_models.card.findings_inputs import InputFindings
from ai_models.card.strict import Name, Strict


class Orientation(StrEnum):
    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


class InputKind(StrEnum):
    """What a model gets of a series: one volume of all its slices, or each image for itself."""

    VOLUME = "volume"
    IMAGES = "images"


class Laterality(StrEnum):
    """Image Laterality (0020,0062): right, left, both, unpaired."""

    RIGHT = "R"
    LEFT = "L"
    BOTH = "B"
    UNPAIRED = "U"


class Contrast(StrEnum):
    """Whether Contrast/Bolus Agent (0018,0010) says anything."""

    WITH = "with"
    WITHOUT = "without"


class InputSeries(Strict):
    """Which series serves as one input. Unset fields accept anything.

    Text fields are compared without case. Of several series that fit, the better one wins by, in
    this order: `prefer_kernel`, `prefer_contrast`, original before derived images, regular before
    irregular slices, more slices, the lower series number. Secondary captures never fit, unless
    `sop_class_uid` names their class.
    """

    name: Name = "image"
    kind: InputKind = Field(
        default=InputKind.VOLUME,
        description="a volume of all slices, or the images as they are: radiographs, ultrasound",
    )
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
    laterality: tuple[Laterality, ...] = Field(
        default=(), description="accepted sides; a series that states none is accepted too"
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


def _form(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    return "findings" if kind == "findings" else "series"


Input = Annotated[
    Annotated[InputSeries, Tag("series")] | Annotated[InputFindings, Tag("findings")],
    Discriminator(_form),
]

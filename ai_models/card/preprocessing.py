"""`[preprocessing]` and `[inference]`: how voxels become what the network expects.

They are asked for in the order: orientation, spacing, window, size, transforms.
"""

from enum import StrEnum
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from ai_models.card.strict import Strict

# MONAI array transforms that work on one image and either leave its grid alone or note in its
# affine what they did, so that the results find their way back.
TRANSFORMS = frozenset(
    {
        "CenterSpatialCrop",
        "ClipIntensityPercentiles",
        "CropForeground",
        "DivisiblePad",
        "GaussianSharpen",
        "GaussianSmooth",
        "HistogramNormalize",
        "MedianSmooth",
        "NormalizeIntensity",
        "ScaleIntensity",
        "ScaleIntensityRange",
        "ScaleIntensityRangePercentiles",
        "SpatialPad",
        "ThresholdIntensity",
    }
)
Size = tuple[int, int, int]


class Window(Strict):
    """Modality values from..to (HU for CT) become to_low..to_high; what is beyond is clipped."""

    low: float
    high: float
    to_low: float = 0.0
    to_high: float = 1.0

    @model_validator(mode="after")
    def _low_below_high(self) -> Self:
        if self.low >= self.high or self.to_low >= self.to_high:
            raise ValueError(
                f"window {self.low:g}..{self.high:g} to {self.to_low:g}..{self.to_high:g}: "
                "expected each low below its high"
            )
        return self


class Transform(Strict):
    """A MONAI array transform by its name, with its arguments."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)

    @field_validator("name")
    @classmethod
    def _is_allowed(cls, name: str) -> str:
        if name not in TRANSFORMS:
            raise ValueError(f"transform {name!r}: expected one of {', '.join(sorted(TRANSFORMS))}")
        return name


class Preprocessing(Strict):
    """Axes are (slices, rows, columns) as acquired, unless `orientation` turns them; those of
    images are (rows, columns).
    """

    orientation: str | None = Field(
        default=None,
        description="MONAI axis codes: where the three axes point to. RAS: right, anterior, "
        "superior; SPL: slices upward, rows to the back, columns to the left",
    )
    spacing_mm: tuple[float, float, float] | tuple[float, float] | None = Field(
        default=None, description="voxel size along these axes"
    )
    window: Window | None = None
    size: Size | tuple[int, int] | None = Field(
        default=None, description="voxels along these axes, resampled"
    )
    transforms: tuple[Transform, ...] = ()

    @field_validator("orientation")
    @classmethod
    def _three_directions(cls, codes: str | None) -> str | None:
        pairs = ("LR", "PA", "IS")
        used = [next((n for n, pair in enumerate(pairs) if c in pair), None) for c in codes or ""]
        if codes is not None and sorted(map(str, used)) != ["0", "1", "2"]:
            raise ValueError(
                f"orientation {codes!r}: expected three letters, one each of L/R, P/A and I/S"
            )
        return codes

    @field_validator("spacing_mm", "size")
    @classmethod
    def _above_nothing(cls, values: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if values is not None and min(values) <= 0:
            raise ValueError(f"{values}: expected numbers above 0")
        return values


class Mode(StrEnum):
    WHOLE = "whole"
    SLIDING_WINDOW = "sliding-window"
    SLICES = "slices"


class Inference(Strict):
    """How the prepared volume goes through the network.

    whole: (1, channels, a, b, c) at once, or (1, channels, rows, columns) of an image.
    sliding-window: pieces of `roi_size`, blended where they overlap. slices: (batch, channels, b,
    c), one along the first axis after another; a batch of one for boxes and points.
    """

    mode: Mode = Mode.WHOLE
    roi_size: Size | None = None
    overlap: float = Field(default=0.25, ge=0, lt=1)
    batch: int = Field(default=4, ge=1, le=512, description="windows or slices at once")

    @model_validator(mode="after")
    def _window_has_its_size(self) -> Self:
        if (self.mode is Mode.SLIDING_WINDOW) != (self.roi_size is not None):
            raise ValueError(
                f"mode {self.mode} with roi_size {self.roi_size}; expected roi_size with "
                "sliding-window, and with nothing else"
            )
        if self.roi_size is not None and min(self.roi_size) <= 0:
            raise ValueError(f"roi_size {self.roi_size}: expected three numbers above 0")
        return self

"""`[[outputs]]` that point at places: boxes, points, peaks of heat maps, outlines."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ai_models.card.codes import Concept
from ai_models.card.places import BoxMode, Origin, Units, XAxis
from ai_models.card.strict import Strict
from ai_models.card.tensor_output import (
    Colour,
    Encoding,
    Grid,
    Shape,
    TensorName,
    TensorOutput,
    channels_of,
)

Calibration = Annotated[
    str,
    Field(
        max_length=1024,
        description="how far the probabilities may be taken at their word, for people",
    ),
]
Most = Annotated[int, Field(ge=1, le=1000)]


class Mark(Strict):
    """One thing that regions may show."""

    name: str = Field(min_length=1, max_length=64)
    finding: Concept
    site: Concept | None = None
    colour: tuple[Colour, Colour, Colour] = (255, 220, 0)


class ScoredMark(Mark):
    """What is less probable than the threshold is left out."""

    threshold: float = Field(default=0.5, ge=0, lt=1)


class Boxes(TensorOutput):
    """Boxes (N, 4 or 6), scores, and class numbers (N,) -> regions: a box each.

    Scores are (N,) beside class numbers or for a single class, else
    (N, channels), whose channels are counted as those of labels.
    """

    kind: Literal["boxes"]
    scores: TensorName | None = None
    labels: TensorName | None = None
    class_from: Literal["labels", "scores"] = Field(
        default="labels",
        description="whether a third tensor has the number of each box's class, or its scores "
        "have a channel for each class",
    )
    mode: BoxMode
    x_axis: XAxis
    units: Units = Units.VOXELS
    origin: Origin = Origin.CORNER
    encoding: Literal[Encoding.SOFTMAX, Encoding.SIGMOID, Encoding.PROBABILITY] = (
        Encoding.PROBABILITY
    )
    first_label: int = Field(default=0, ge=0, description="number of the first class")
    maximum_overlap: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="intersection over union above which the weaker box of a class is left out; "
        "unset = the network has done so",
    )
    most: Most = 100
    calibration: Calibration = ""
    classes: tuple[ScoredMark, ...] = Field(min_length=1, max_length=255)

    @model_validator(mode="after")
    def _tensors_fit(self) -> Self:
        by_labels = self.class_from == "labels"
        if self.labels is not None and not by_labels:
            raise ValueError(
                f"labels {self.labels!r} with class_from 'scores'; expected one of both"
            )
        if self.first_label and not by_labels:
            raise ValueError(
                f"first_label {self.first_label} with class_from 'scores', whose channels have no "
                "numbers; expected none"
            )
        named = [name for name in self.names if name is not None]
        if named and len(named) < len(self.names):
            wanted = "tensor, scores and labels" if by_labels else "tensor and scores"
            raise ValueError(f"found {len(named)} named tensor(s) of boxes; expected {wanted}")
        if by_labels and self.encoding is Encoding.SOFTMAX:
            raise ValueError(
                "encoding softmax with class_from 'labels': a single score has no softmax; "
                "expected sigmoid or probability, or class_from 'scores'"
            )
        return self

    @property
    def names(self) -> tuple[str | None, ...]:
        both = (self.tensor, self.scores)
        return (*both, self.labels) if self.class_from == "labels" else both

    def shapes(self, _grid: Grid) -> tuple[Shape, ...]:
        boxes, channels = (None, 2 * self.mode.axes), channels_of(self.encoding, len(self.classes))
        if self.class_from == "labels":
            return boxes, (None,), (None,)
        return boxes, (None,) if channels == 1 else (None, channels)


class Points(TensorOutput, ScoredMark):
    """(N, axes and score) -> regions: a point each."""

    kind: Literal["points"]
    scored: bool = Field(default=True, description="whether the last number is a score")
    x_axis: XAxis = XAxis.FIRST
    units: Units = Units.VOXELS
    origin: Origin = Origin.MIDDLE
    calibration: Calibration = ""

    def shapes(self, grid: Grid) -> tuple[Shape, ...]:
        return ((None, len(grid) + self.scored),)


class Peaks(TensorOutput):
    """(classes, a, b, c) or (classes, rows, columns) -> regions: where each channel is highest.

    Numbers of the encoding `probability` beyond 0 and 1 are taken for these.
    """

    kind: Literal["peaks"]
    encoding: Literal[Encoding.SIGMOID, Encoding.PROBABILITY] = Encoding.PROBABILITY
    most: Most = Field(default=1, description="of each class")
    separation: int = Field(
        default=5, ge=1, le=1000, description="voxels between two of a class, along any axis"
    )
    calibration: Calibration = ""
    classes: tuple[ScoredMark, ...] = Field(min_length=1, max_length=255)

    def shapes(self, grid: Grid) -> tuple[Shape, ...]:
        return ((len(self.classes), *grid),)


class Outlines(TensorOutput):
    """(channels, rows, columns) -> regions: an outline around each part of each class.

    Holes are filled. Channels are counted as those of labels; the probability is the mean of the
    part, and told by all encodings but `labels`.
    """

    kind: Literal["outlines"]
    encoding: Encoding = Encoding.SOFTMAX
    threshold: float = Field(default=0.5, gt=0, lt=1)
    minimum_pixels: int = Field(
        default=10, ge=4, description="of the source; smaller parts are left out"
    )
    most: Most = Field(default=100, description="of each class, the largest")
    calibration: Calibration = ""
    classes: tuple[Mark, ...] = Field(min_length=1, max_length=255)

    def shapes(self, grid: Grid) -> tuple[Shape, ...]:
        return ((channels_of(self.encoding, len(self.classes)), *grid),)

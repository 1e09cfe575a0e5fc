"""`[[outputs]]`: what each tensor of the network means."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ai_models.card.codes import Category, Concept, Unit
from ai_models.card.regions import Boxes, Calibration, Outlines, Peaks, Points
from ai_models.card.strict import Strict
from ai_models.card.tensor_output import Colour, Encoding, Grid, Shape, TensorOutput, channels_of

ANATOMICAL_STRUCTURE = Concept(scheme="SCT", value="91723000", meaning="Anatomical Structure")


class Measure(StrEnum):
    """What can be measured of a label. The others than volume are of CT numbers, in HU."""

    VOLUME = "volume"
    MEAN = "mean"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    STANDARD_DEVIATION = "standard-deviation"


class Label(Strict):
    """Label k is the k-th in the list. type: CID 7151; category: CID 7150."""

    name: str = Field(min_length=1, max_length=64)
    category: Category = ANATOMICAL_STRUCTURE
    type: Concept
    colour: tuple[Colour, Colour, Colour] = (200, 80, 80)
    measure: tuple[Measure, ...] = (Measure.VOLUME,)


class Labels(TensorOutput):
    """(channels, a, b, c) -> a label map and its measurements."""

    kind: Literal["labels"]
    encoding: Encoding = Encoding.SOFTMAX
    threshold: float = Field(default=0.5, gt=0, lt=1)
    labels: tuple[Label, ...] = Field(min_length=1, max_length=255)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [label.name for label in self.labels]
        if len(set(names)) < len(names):
            raise ValueError(f"labels {', '.join(names)}: expected a name of its own for each")
        return self

    def shapes(self, grid: Grid) -> tuple[Shape, ...]:
        return ((channels_of(self.encoding, len(self.labels)), *grid),)


class Class(Strict):
    """One thing that may be there. present: from this probability on."""

    finding: Concept
    site: Concept | None = None
    threshold: float = Field(default=0.5, gt=0, lt=1)


class Classes(TensorOutput):
    """(channels,) -> one classification a class, present or absent, with its probability.

    Channels are counted as those of labels: with softmax, the first says that it is none of them.
    """

    kind: Literal["classes"]
    encoding: Literal[Encoding.SOFTMAX, Encoding.SIGMOID, Encoding.PROBABILITY] = Encoding.SOFTMAX
    calibration: Calibration = ""
    classes: tuple[Class, ...] = Field(min_length=1, max_length=255)

    def shapes(self, _grid: Grid) -> tuple[Shape, ...]:
        return ((channels_of(self.encoding, len(self.classes)),),)


class Regression(TensorOutput):
    """(1,) -> one measurement: value * scale + offset."""

    kind: Literal["regression"]
    concept: Concept
    unit: Unit
    site: Concept
    scale: float = 1.0
    offset: float = 0.0
    decimals: int = Field(default=1, ge=0, le=6)

    def shapes(self, _grid: Grid) -> tuple[Shape, ...]:
        return ((1,),)


class HeatMap(TensorOutput):
    """(1, a, b, c) -> a Parametric Map. Numbers beyond `value_range` are taken for its ends."""

    kind: Literal["heat-map"]
    name: str = Field(min_length=1, max_length=16)
    quantity: Concept
    unit: Unit
    value_range: tuple[float, float]

    @model_validator(mode="after")
    def _low_below_high(self) -> Self:
        low, high = self.value_range
        if not low < high:
            raise ValueError(f"value_range {low:g}, {high:g}: expected a lower, then a higher")
        return self

    def shapes(self, grid: Grid) -> tuple[Shape, ...]:
        return ((1, *grid),)


Output = Annotated[
    Labels | Classes | Regression | HeatMap | Boxes | Points | Peaks | Outlines,
    Field(discriminator="kind"),
]

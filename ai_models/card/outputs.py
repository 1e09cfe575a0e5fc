"""`[[outputs]]`: what each tensor of the network means, in the order in which it gives them."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ai_models.card.codes import Category, Concept, Unit
from ai_models.card.strict import Strict

Colour = Annotated[int, Field(ge=0, le=255)]
ANATOMICAL_STRUCTURE = Concept(scheme="SCT", value="91723000", meaning="Anatomical Structure")


class Encoding(StrEnum):
    """How a tensor says which voxel has which label.

    softmax: channel 0 is background, channel k label k; the highest wins, so logits do as well.
    sigmoid: channel k - 1 is the logit of label k; of several above `threshold`, the last wins.
    probability: as sigmoid, but the network has applied it already.
    labels: one channel that holds the values themselves.
    """

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    PROBABILITY = "probability"
    LABELS = "labels"


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


class Labels(Strict):
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

    @property
    def channels(self) -> int:
        """How many the tensor must have."""
        return {Encoding.SOFTMAX: len(self.labels) + 1, Encoding.LABELS: 1}.get(
            self.encoding, len(self.labels)
        )


class Class(Strict):
    """One thing that may be there. present: from this probability on."""

    finding: Concept
    site: Concept | None = None
    threshold: float = Field(default=0.5, gt=0, lt=1)


class Classes(Strict):
    """(channels,) -> one classification a class, present or absent, with its probability.

    Channels are counted as those of labels: with softmax, the first says that it is none of them.
    """

    kind: Literal["classes"]
    encoding: Literal[Encoding.SOFTMAX, Encoding.SIGMOID, Encoding.PROBABILITY] = Encoding.SOFTMAX
    calibration: str = Field(
        default="",
        max_length=1024,
        description="how far the probabilities may be taken at their word, for people",
    )
    classes: tuple[Class, ...] = Field(min_length=1, max_length=255)

    @property
    def channels(self) -> int:
        """How many the tensor must have."""
        return len(self.classes) + (self.encoding is Encoding.SOFTMAX)


class Regression(Strict):
    """(1,) -> one measurement: value * scale + offset."""

    kind: Literal["regression"]
    concept: Concept
    unit: Unit
    site: Concept
    scale: float = 1.0
    offset: float = 0.0
    decimals: int = Field(default=1, ge=0, le=6)


class Points(Strict):
    """(points, 4) -> regions: place on the three axes of the prepared image, in voxels, and score.

    A point at 0 is in the middle of the first voxel. Those below the threshold are left out.
    """

    kind: Literal["points"]
    name: str = Field(min_length=1, max_length=64)
    finding: Concept
    site: Concept | None = None
    threshold: float = Field(default=0.5, ge=0, lt=1)


class HeatMap(Strict):
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


Output = Annotated[Labels | Classes | Regression | Points | HeatMap, Field(discriminator="kind")]

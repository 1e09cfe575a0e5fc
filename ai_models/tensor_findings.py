"""What a network gave, back on the grid of its input, -> findings, as the card explains it."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from pydicom.sr.coding import Code

from ai_models.card import outputs
from ai_models.card.codes import unit_code
from ai_models.card.outputs import Classes, Label, Labels, Measure, Points, Regression
from standards import codes
from standards.errors import StandardsError
from standards.findings import (
    Classification,
    Finding,
    HeatMap,
    KeyImage,
    LabelMap,
    Measurement,
    Region,
    Shape,
    Structure,
)
from standards.volume import Volume

# Measure of CT numbers -> derivation (CID 7464), and how it is computed.
_OF_VALUES: dict[Measure, tuple[Code, Callable[[np.ndarray], np.floating | np.integer]]] = {
    Measure.MEAN: (codes.MEAN, lambda values: values.mean(dtype=np.float64)),
    Measure.MINIMUM: (codes.MINIMUM, np.min),
    Measure.MAXIMUM: (codes.MAXIMUM, np.max),
    Measure.STANDARD_DEVIATION: (
        codes.STANDARD_DEVIATION,
        lambda values: values.std(dtype=np.float64),
    ),
}


class NotFinite(StandardsError):
    """A tensor holds NaN or infinity. output: its place among the card's, from 1."""

    def __init__(self, output: int) -> None:
        self.output = output
        super().__init__(
            f"output {output} of the network holds NaN or infinity; expected finite numbers: "
            "check the range of values that [preprocessing] gives it, and `autocast`"
        )


class WrongShape(StandardsError):
    """A tensor is of another shape than the card's outputs say. output: as in NotFinite."""

    def __init__(self, output: int, found: Sequence[int], expected: Sequence[int]) -> None:
        self.output, self.found, self.expected = output, tuple(found), tuple(expected)
        super().__init__(
            f"output {output} of the network has the shape {self.found}; the card's [[outputs]] "
            f"expect {self.expected}"
        )


class WrongCount(StandardsError):
    """The network gave more or fewer tensors than the card explains."""

    def __init__(self, found: int, expected: int) -> None:
        self.found, self.expected = found, expected
        super().__init__(
            f"the network gave {found} tensor(s); the card explains {expected} in [[outputs]]"
        )


def of_labels(output: Labels, voxels: np.ndarray, volume: Volume) -> list[Finding]:
    """A label map, what the card wants to have measured of it, and the slice with the most.

    voxels: uint8, on the grid of the volume. A label that is not there measures 0 ml, and nothing
    else. Raises UndescribedLabel.
    """
    structures = tuple(_structure(label) for label in output.labels)
    findings: list[Finding] = [LabelMap(voxels, structures)]
    for number, label in enumerate(output.labels, start=1):
        findings += _measurements(label, number, volume.voxels[voxels == number], volume.voxel_ml)
    if voxels.any():
        findings.append(_key_image(voxels, volume))
    return findings


def of_regression(output: Regression, value: float) -> Measurement:
    return Measurement(
        output.concept.code,
        value * output.scale + output.offset,
        unit_code(output.unit),
        output.site.code,
        decimals=output.decimals,
    )


def of_classes(output: Classes, probabilities: Sequence[float]) -> list[Classification]:
    """probabilities: of each class, without that of none of them."""
    return [
        Classification(
            one.finding.code,
            codes.PRESENT if probability >= one.threshold else codes.ABSENT,
            probability if probability >= one.threshold else 1 - probability,
            output.calibration,
            one.site.code if one.site else None,
        )
        for one, probability in zip(output.classes, probabilities, strict=True)
    ]


def of_points(output: Points, points: np.ndarray, affine: np.ndarray) -> list[Region]:
    """points: (points, 4), as the card says. affine: from places on their axes to LPS, mm."""
    return [
        Region(
            Shape.POINT,
            (tuple((affine @ (*place, 1.0))[:3]),),
            output.name,
            output.finding.code,
            site=output.site.code if output.site else None,
            probability=float(score),
        )
        for *place, score in points.tolist()
        if score >= output.threshold
    ]


def of_heat_map(output: outputs.HeatMap, voxels: np.ndarray) -> HeatMap:
    """voxels: float32, on the grid of the volume."""
    unit, quantity = unit_code(output.unit), output.quantity.code
    return HeatMap(
        output.name, voxels.clip(*output.value_range), quantity, unit, output.value_range
    )


def _structure(label: Label) -> Structure:
    return Structure(label.name, label.category.code, label.type.code, label.colour)


def _measurements(
    label: Label, number: int, values: np.ndarray, voxel_ml: float
) -> Iterator[Measurement]:
    site = label.type.code
    for measure in label.measure:
        if measure is Measure.VOLUME:
            millilitres = values.size * voxel_ml
            yield Measurement(codes.VOLUME, millilitres, codes.MILLILITRE, site, number)
        elif values.size:
            derivation, compute = _OF_VALUES[measure]
            yield Measurement(
                codes.ATTENUATION_COEFFICIENT,
                float(compute(values)),
                codes.HOUNSFIELD_UNIT,
                site,
                number,
                derivation,
            )


def _key_image(voxels: np.ndarray, volume: Volume) -> KeyImage:
    """The slice with the most marked voxels, with a window that shows all but its extremes."""
    index = int(np.count_nonzero(voxels, axis=(1, 2)).argmax())
    low, high = np.percentile(volume.voxels[index], (1, 99))
    return KeyImage(index, float(low + high) / 2, max(float(high - low), 1.0))

"""What a network gave, back on the grid of its input, -> findings, as the card explains it."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from pydicom.sr.coding import Code

from ai_models.card import outputs
from ai_models.card.codes import unit_code
from ai_models.card.outputs import Classes, Label, Labels, Measure, Regression
from ai_models.contract import NoResult
from standards import codes
from standards.findings import (
    Classification,
    Finding,
    HeatMap,
    KeyImage,
    LabelMap,
    Measurement,
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


def of_all_images(images: Sequence[Sequence[Finding]]) -> list[Finding]:
    """What was found on each image -> on all: of each classification the one that says present
    most surely; a measurement must be the only one.

    Raises NoResult where several images were measured.
    """
    measured = sum(isinstance(one, Measurement) for one in images[0])
    if measured and len(images) > 1:
        raise NoResult("images to measure", str(len(images)), "one, since each gives a number")
    judged = [[one for one in found if isinstance(one, Classification)] for found in images]
    others = [one for found in images for one in found if not isinstance(one, Classification)]
    return [*(max(same, key=_presence) for same in zip(*judged, strict=True)), *others]


def _presence(one: Classification) -> float:
    sure = one.probability or 0.0
    return sure if one.is_present else 1 - sure


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

"""Conditions on another model's findings: when each holds, and what is told where it does not."""

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from ai_models.card.conditions import Condition
from standards import codes
from standards.findings import Classification, Findings, LabelMap, Measurement, Region, Shape
from standards.findings import Structure as Marked

LUNG = {"scheme": "SCT", "value": codes.LUNG.value, "meaning": "Lung"}
VOLUME = {"scheme": "SCT", "value": codes.VOLUME.value, "meaning": "Volume"}
ABSENT = {
    "scheme": codes.ABSENT.scheme_designator,
    "value": codes.ABSENT.value,
    "meaning": codes.ABSENT.meaning,
}
PRESENT_07 = Classification(codes.LUNG, codes.PRESENT, 0.7)
ABSENT_09 = Classification(codes.LUNG, codes.ABSENT, 0.9)
UNSURE = Classification(codes.LUNG, codes.PRESENT)


def why_not(said: dict[str, Any], *claimed: Any) -> str:
    return TypeAdapter(Condition).validate_python(said).why_not(Findings.of(claimed))


def region(probability: float | None, finding: Any = codes.LUNG) -> Region:
    return Region(Shape.POINT, ((1.0, 1.0),), "it", finding, 0, probability=probability)


def volume(value: float, unit: Any = codes.MILLILITRE, site: Any = codes.LUNG) -> Measurement:
    return Measurement(codes.VOLUME, value, unit, site)


JUDGED = {"kind": "classification", "concept": LUNG}
SURE = JUDGED | {"probability_at_least": 0.7}
THERE = {"kind": "region", "finding": LUNG}
LIKELY = THERE | {"probability_at_least": 0.5}
MEASURED = {"kind": "measurement", "concept": VOLUME, "unit": "ml"}
LOW, HIGH = MEASURED | {"at_least": 10}, MEASURED | {"at_most": 20}


@pytest.mark.parametrize(
    ("said", "claimed"),
    [
        (JUDGED, [UNSURE]),
        (JUDGED | {"value": ABSENT}, [ABSENT_09]),
        (SURE, [PRESENT_07]),
        (SURE, [ABSENT_09, UNSURE, PRESENT_07]),
        (THERE, [region(None)]),
        (LIKELY, [region(0.1), region(0.5)]),
        (LOW, [volume(10)]),
        (HIGH, [volume(20)]),
        (LOW | HIGH, [volume(1), volume(15), volume(99)]),
        (LOW | {"site": LUNG}, [volume(10)]),
    ],
)
def test_a_condition_holds_where_one_finding_fits(said, claimed):
    assert why_not(said, *claimed) == ""


@pytest.mark.parametrize(
    ("said", "claimed", "told"),
    [
        (JUDGED, [], "Lung is not judged; expected Present"),
        (JUDGED, [ABSENT_09], "Lung is Absent (0.9); expected Present"),
        (SURE, [UNSURE], "Lung is Present; expected Present (at least 0.7)"),
        (
            JUDGED | {"probability_at_least": 0.8},
            [ABSENT_09, PRESENT_07],
            "Lung is Absent (0.9), Present (0.7); expected Present (at least 0.8)",
        ),
        (THERE, [], "found 0 region(s) of Lung; expected one or more"),
        (THERE, [region(1, codes.LIVER)], "found 0 region(s) of Lung; expected one or more"),
        (
            LIKELY,
            [region(None), region(0.49)],
            "found 2 region(s) of Lung; expected one of probability 0.5 or more",
        ),
        (LOW, [], "Volume is not measured in ml; expected at least 10 ml"),
        (LOW, [volume(50, codes.MILLIMETRE)], "Volume is not measured in ml"),
        (LOW, [volume(9.9), volume(1)], "Volume is 9.9 ml, 1 ml; expected at least 10 ml"),
        (HIGH, [volume(20.1)], "Volume is 20.1 ml; expected at most 20 ml"),
        (LOW | HIGH, [volume(30)], "Volume is 30 ml; expected at least 10 and at most 20 ml"),
        (
            LOW | {"site": LUNG},
            [volume(50, site=codes.LIVER)],
            "Volume of Lung is not measured in ml; expected at least 10 ml",
        ),
    ],
)
def test_a_condition_that_does_not_hold_tells_what_was_found_and_expected(said, claimed, told):
    assert why_not(said, *claimed).startswith(told)


def test_a_structure_is_there_where_a_voxel_is_marked():
    said = {"kind": "structure", "type": LUNG}
    lung = Marked("Lung", codes.ANATOMICAL_STRUCTURE, codes.LUNG, (1, 2, 3))
    liver = Marked("Liver", codes.ANATOMICAL_STRUCTURE, codes.LIVER, (3, 2, 1))
    voxels = np.zeros((1, 2, 2), np.uint8)
    voxels[0, 0, 0] = 2

    assert why_not(said, LabelMap(voxels, (liver, lung))) == ""
    assert "marks no Lung" in why_not(said, LabelMap(voxels, (lung, liver)))
    assert "there is no label map" in why_not(said)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (MEASURED, "at_least, at_most or both"),
        (MEASURED | {"at_least": 3, "at_most": 2}, "exchange them"),
        (LOW | {"unit": "mililitres"}, "unit 'mililitres' is none"),
        (LIKELY | {"probability_at_least": 1.1}, "less than or equal to 1"),
        ({"kind": "finding"}, "does not match any of the expected tags"),
    ],
)
def test_a_condition_that_could_never_hold_is_refused(said, told):
    with pytest.raises(ValidationError, match=told):
        TypeAdapter(Condition).validate_python(said)

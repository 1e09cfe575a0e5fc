"""Classifications, regions and heat maps are whole and right when made, or not made at all."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom.sr.coding import Code

from standards import codes
from standards.errors import StandardsError
from standards.findings import Classification, Findings, HeatMap, Region, Shape
from standards.region import check_places
from tests.pictures import BOX, LINE, NODULE, OUTLINE, POINT, SUSPICION, cine, radiograph
from tests.series import ct_series

SALIENCY = Code("130404", "DCM", "Saliency")
ONE = Code("1", "UCUM", "no units")


def heat(voxels: np.ndarray, name: str = "Nodule", ends: tuple[float, float] = (0, 1)) -> HeatMap:
    return HeatMap(name, voxels, SALIENCY, ONE, ends)


def cube(value: float = 0.5) -> np.ndarray:
    return np.full((2, 3, 4), value, np.float32)


def test_findings_are_sorted_by_kind_and_a_single_classification_is_no_empty_answer():
    found = Findings.of([BOX, SUSPICION, heat(cube()), POINT])

    assert found.classifications == (SUSPICION,)
    assert found.regions == (BOX, POINT)
    assert [one.name for one in found.heat_maps] == ["Nodule"]
    assert not Findings.of([SUSPICION]).is_empty
    assert Findings.of([]).is_empty


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: replace(SUSPICION, probability=1.2), "expected 0 to 1"),
        (lambda: replace(BOX, depth_mm=-1), "a depth of -1 mm; expected one above 0"),
        (lambda: replace(BOX, calibration="x" * 1025), "1025 characters; expected 1024"),
        (lambda: replace(SUSPICION, probability=float("nan")), "expected 0 to 1"),
        (lambda: replace(SUSPICION, site=None), "expected the site"),
        (lambda: replace(SUSPICION, calibration="x" * 1025), "1024 at most"),
        (lambda: replace(BOX, name=""), "expected 1 to 64"),
        (lambda: replace(BOX, probability=-0.1), "expected 0 to 1"),
        (lambda: replace(BOX, points=((20, 10),)), "expected 2 point"),
        (lambda: replace(BOX, points=((60, 10), (20, 40))), "top left"),
        (lambda: replace(BOX, points=((20, 10, 1), (60, 40, 1))), "pairs with an image_index"),
        (lambda: replace(BOX, points=((20, 10), (60, float("inf")))), "numbers"),
        (lambda: replace(POINT, points=((1, 2), (3, 4))), "expected 1 point"),
        (lambda: replace(LINE, points=((1, 2),)), "2 points or more"),
        (lambda: replace(OUTLINE, points=((1, 2), (3, 4))), "3 points or more"),
        (lambda: replace(POINT, image_index=None), "triples in the patient"),
        (
            lambda: Region(Shape.BOX, ((0, 0, 0), (1, 1, 1)), "Box", NODULE),
            "a box on an image, or an outline",
        ),
        (
            lambda: Region(
                Shape.POLYGON, ((0, 0, 0), (9, 0, 0), (9, 9, 5), (0, 9, 0)), "Bent", NODULE
            ),
            "a plane within",
        ),
        (lambda: heat(cube().astype(np.float64)), "expected float32"),
        (lambda: heat(cube(1.5)), "expected finite ones from 0 to 1"),
        (lambda: heat(cube(np.nan)), "expected finite ones from 0 to 1"),
        (lambda: heat(cube(), ends=(1, 1)), "a lower and a higher"),
        (lambda: heat(cube(), name="more than sixteen"), "expected 1 to 16"),
        (lambda: Findings.of([heat(cube()), heat(cube())]), "the same name"),
    ],
)
def test_what_no_carrier_could_write_is_refused_with_what_was_expected(wrong, told):
    with pytest.raises(StandardsError, match=told):
        wrong()


def test_curves_are_closed_where_the_shape_is():
    box, polygon, line = BOX.curve, OUTLINE.curve, LINE.curve

    assert box.tolist() == [[20, 10], [60, 10], [60, 40], [20, 40], [20, 10]]
    assert polygon[0].tolist() == polygon[-1].tolist()
    assert len(polygon) == 4
    assert len(line) == 3


@pytest.mark.parametrize(
    ("region", "images", "told"),
    [
        (replace(BOX, image_index=1), [radiograph()], "image_index 1; expected one of 1"),
        (replace(BOX, points=((20, 10), (81, 40))), [radiograph()], "columns from 0 to 80"),
        (replace(BOX, points=((-1, 10), (20, 40))), [radiograph()], "outside its image"),
        (replace(BOX, frame=1), [radiograph()], "expected none"),
        (BOX, [cine()], "frame None; expected 1 to 3"),
        (replace(BOX, frame=4), [cine()], "frame 4; expected 1 to 3"),
        (Region(Shape.POINT, ((0, 0, 0),), "P", NODULE), [radiograph()], "points on an image"),
    ],
)
def test_a_region_lies_on_an_image_that_the_model_was_given(region, images, told):
    with pytest.raises(StandardsError, match=told):
        check_places([region], images)


def test_the_whole_image_and_any_frame_of_a_loop_may_be_marked():
    check_places([replace(BOX, points=((0, 0), (80, 64)))], [radiograph()])
    check_places([replace(BOX, frame=3)], [cine()])
    check_places([Region(Shape.POINT, ((0, 0, 0),), "P", NODULE)], ct_series(1))


def test_the_values_of_present_and_absent_are_those_of_cid_240():
    assert Classification(NODULE, codes.PRESENT).is_present
    assert not SUSPICION.is_present
    assert SUSPICION.percent == 97.3

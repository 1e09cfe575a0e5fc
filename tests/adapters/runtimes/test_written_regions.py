"""What a detection network found, written as SR and presentation state, and read by others."""

from io import BytesIO
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom import Dataset, dcmread

from standards import codes
from standards.analysis import Result
from standards.derived import part10
from standards.gsps import presentation_states
from standards.sr import report
from standards.volume import volume_of
from tests import judges
from tests.adapters.runtimes.detectors import BOXES, BOXES_2D, MARK, Tells, found, picture
from tests.pictures import picture_result
from tests.series import ct_series, small_result

SURE = ([0.75], [0])
NOTE = {"calibration": "none was done"}
POINTS = {"kind": "points", "scored": False, **MARK}


def mask() -> list[list[list[float]]]:
    voxels = np.zeros((1, 64, 80), np.float32)
    voxels[0, 30:50, 40:60] = 0.9
    return voxels.tolist()


def on_image() -> tuple[list[Dataset], Result]:
    outputs = (
        BOXES_2D | NOTE,
        POINTS,
        {"kind": "outlines", "encoding": "probability", "classes": [MARK]},
    )
    seen = picture()
    network = Tells([[10.0, 16, 20, 30]], *SURE, [[5.0, 6.0]], mask())
    regions = found(network, seen, *outputs).regions
    return [seen.instance], picture_result([seen.instance], regions)


def in_volume() -> tuple[list[Dataset], Result]:
    images = ct_series()
    network = Tells([[2.0, 10, 16, 6, 20, 30]], *SURE, [[4.0, 15.0, 20.0]])
    regions = found(network, volume_of(images), BOXES | NOTE, POINTS).regions
    return list(images), small_result(images, regions)


def groups_of(result: Result) -> list:
    sr = hd.sr.srread(BytesIO(part10(report(result, None))))
    return sr.content.get_planar_roi_measurement_groups()


def comments(group) -> list[str]:
    return [one.TextValue for one in group[0].ContentSequence if "TextValue" in one]


def test_box_point_and_outline_of_an_image_stand_in_the_report_where_they_are():
    box, point, outline = groups_of(on_image()[1])

    corners = [[16, 10], [30, 10], [30, 20], [16, 20], [16, 10]]
    assert box.roi.value.tolist() == corners
    (certainty,) = box.get_measurements(codes.CERTAINTY_OF_FINDING)
    assert certainty.value == 75
    assert "Calibration of the certainty: none was done" in comments(box)
    assert point.roi.value.tolist() == [[6.5, 5.5]]
    np.testing.assert_allclose(outline.roi.value.min(0), (40, 30), atol=0.02)
    np.testing.assert_allclose(outline.roi.value.max(0), (60, 50), atol=0.02)


def test_a_box_of_a_volume_stands_on_its_middle_slice_with_its_depth():
    images, result = in_volume()
    box, point = groups_of(result)

    (depth,) = box.get_measurements(codes.DEPTH)
    assert (depth.value, depth.unit.value) == (20, "mm")
    source = box.roi.ContentSequence[0].ReferencedSOPSequence[0]
    assert source.ReferencedSOPInstanceUID == images[4].SOPInstanceUID
    x, y, z = images[4].ImagePositionPatient
    assert point.roi.value[0] == pytest.approx([x + 20 * 1.25, y + 15 * 1.5, z])


@pytest.mark.parametrize("made", [on_image, in_volume])
def test_presentation_states_draw_them_and_judges_have_no_complaint(made, tmp_path: Path):
    images, result = made()
    source, written = tmp_path / "source.dcm", tmp_path / "result.dcm"
    source.write_bytes(part10(images[0]))
    states = presentation_states(result)
    for one in (report(result, None), *states):
        written.write_bytes(part10(one))
        assert judges.dciodvfy(written, source) == []
    _, drawn, *_ = dcmread(written).GraphicAnnotationSequence
    points = np.array(drawn.GraphicObjectSequence[0].GraphicData).reshape(-1, 2)
    assert points.tolist() == [[16, 10], [30, 10], [30, 20], [16, 20], [16, 10]]

"""Boxes, points, peaks and outlines of a network come to lie where they are on the source."""

from itertools import permutations

import numpy as np
import pytest
import torch
from monai.data.box_utils import get_boxmode

from ai_models.card.places import BoxMode
from ai_models.tensor_errors import (
    InvertedBox,
    MissingTensor,
    NotFinite,
    OutsideImage,
    UnknownClass,
    WrongCount,
    WrongShape,
)
from standards.errors import StandardsError
from standards.findings import Findings, Region, Shape
from standards.images import Image
from tests.adapters.runtimes.detectors import (
    BOXES,
    BOXES_2D,
    MARK,
    NAMED,
    PLACE,
    Finder,
    Tells,
    found,
    picture,
    volume,
)
from tests.pictures import cine

ON_IMAGE = ((16, 10), (30, 20))  # (column, row) of PLACE, as PS3.3 C.10.5 counts
SURE, FIRST = [0.9], [0]


def only(findings: Findings) -> Region:
    (region,) = findings.regions
    return region


def assert_is_the_box(region: Region) -> None:
    assert region.shape is Shape.BOX
    np.testing.assert_allclose(region.points, ON_IMAGE, atol=1e-4)


@pytest.mark.parametrize("orientation", [None, *map("".join, permutations("RAS")), "LPI", "SPR"])
def test_a_box_in_a_volume_is_drawn_on_its_middle_slice_however_the_volume_was_turned(orientation):
    region = only(found(Finder(), volume(), BOXES, preprocessing={"orientation": orientation}))

    assert_is_the_box(region)
    assert (region.image_index, region.depth_mm) == (10, pytest.approx(8))
    assert (region.name, region.finding.value, region.colour) == (
        "Nodule", "27925004", (10, 200, 30),
    )  # fmt: skip
    assert region.probability == pytest.approx(0.9)


@pytest.mark.parametrize(
    "preprocessing",
    [
        {"size": [48, 64, 80]},
        {"orientation": "RAS", "size": [80, 64, 24]},
        {"transforms": [{"name": "CenterSpatialCrop", "arguments": {"roi_size": [20, 30, 30]}}]},
        {"orientation": "LAS", "transforms": [{"name": "DivisiblePad", "arguments": {"k": 16}}]},
    ],
    ids=str,
)
def test_a_box_in_a_volume_comes_back_from_another_size_crop_or_padding(preprocessing):
    assert_is_the_box(only(found(Finder(), volume(), BOXES, preprocessing=preprocessing)))


def test_a_box_comes_back_from_another_spacing():
    # 2 mm slices become 1 mm ones: the middles of slices 8 and 11 come to lie at 16 and 22.
    network = Tells([[15.5, 10.0, 16.0, 23.5, 20.0, 30.0]], SURE, FIRST)
    region = only(found(network, volume(), BOXES, preprocessing={"spacing_mm": [1, 1, 1]}))
    assert_is_the_box(region)
    assert (region.image_index, region.depth_mm) == (10, pytest.approx(8))


@pytest.mark.parametrize(
    "preprocessing",
    [
        {},
        {"size": [128, 160]},
        {"transforms": [{"name": "SpatialPad", "arguments": {"spatial_size": [96, 96]}}]},
        {"transforms": [{"name": "CenterSpatialCrop", "arguments": {"roi_size": [50, 70]}}]},
    ],
    ids=str,
)
def test_a_box_on_an_image_comes_back_to_its_pixels(preprocessing):
    region = only(found(Finder(), picture(), BOXES_2D, preprocessing=preprocessing))
    assert_is_the_box(region)
    assert (region.image_index, region.frame, region.depth_mm) == (0, None, None)


def test_an_image_is_brought_to_a_spacing_where_its_pixels_have_a_size():
    # 0.2 mm become 0.1: the middles of pixels lie at twice their number.
    network = Tells([[19.5, 31.5, 39.5, 59.5]], SURE, FIRST)
    spacing = {"spacing_mm": [0.1, 0.1]}
    assert_is_the_box(only(found(network, picture(), BOXES_2D, preprocessing=spacing)))
    unknown = picture()
    del unknown.instance.ImagerPixelSpacing
    with pytest.raises(Exception, match="Pixel Spacing: found none"):
        found(network, unknown, BOXES_2D, preprocessing=spacing)


@pytest.mark.parametrize("mode", BoxMode)
def test_each_box_mode_of_monai_is_known(mode):
    low, high = (place[3 - mode.axes :] for place in PLACE)
    corners = [torch.tensor([[float(one)]]) for one in (*low, *high)]
    box = get_boxmode(mode.value).corners_to_boxes(corners).tolist()
    seen = volume() if mode.axes == 3 else picture()
    assert_is_the_box(only(found(Tells(box, SURE, FIRST), seen, BOXES | {"mode": mode.value})))


@pytest.mark.parametrize(
    ("box", "told"),
    [
        ([16.0, 10.0, 8.0, 30.0, 20.0, 12.0], {"x_axis": "last"}),
        ([0.4, 0.3125, 1 / 3, 0.75, 0.625, 0.5], {"x_axis": "last", "units": "normalised"}),
        # the first voxel's middle is at (-20, -100, 300), and its corner half a voxel before it
        ([7.5, 9.5, 15.5, 11.5, 19.5, 29.5], {"origin": "middle"}),
        ([-4.5, -90.5, 315, 9.5, -80.5, 323], {"units": "lps-mm"}),
        ([-9.5, 80.5, 315, 4.5, 90.5, 323], {"units": "ras-mm"}),
    ],
    ids=str,
)
def test_places_are_counted_as_the_card_says(box, told):
    for preprocessing in ({}, {"size": [12, 16, 40]} if "mm" in str(told) else {}):
        network = Tells([box], SURE, FIRST)
        region = only(found(network, volume(), BOXES | told, preprocessing=preprocessing))
        assert_is_the_box(region)
        assert region.image_index == 10


@pytest.mark.parametrize("preprocessing", [{}, {"size": [24, 64, 20]}], ids=str)
def test_a_network_of_slices_tells_boxes_on_each_slice_of_a_volume(preprocessing):
    sections = {"inference": {"mode": "slices"}, "preprocessing": preprocessing}
    regions = found(Finder(), volume(), BOXES_2D, **sections).regions
    assert [(one.image_index, one.depth_mm) for one in regions] == [(n, 2) for n in range(8, 12)]
    for one in regions:
        assert_is_the_box(one)


def test_slices_may_be_cut_in_another_direction():
    sections = {"inference": {"mode": "slices"}, "preprocessing": {"orientation": "RSA"}}
    regions = found(Finder(), volume(), BOXES_2D, **sections).regions  # sagittal
    assert len(regions) == 14
    assert {one.image_index for one in regions} == {10}
    assert sorted(one.points[0] for one in regions)[0] == pytest.approx((16, 10))
    assert [one.depth_mm for one in regions] == pytest.approx([8] * 14)


def test_points_on_slices_lie_in_the_patient():
    seen = Tells([[10.0, 16.0]])
    output = POINTS | {"scored": False}
    regions = found(seen, volume(), output, inference={"mode": "slices"}).regions
    assert [one.points[0] for one in regions] == [(-4, -90, 300 + 2 * n) for n in range(24)]


def test_every_frame_of_a_loop_is_an_image():
    regions = found(Tells([[1.0, 2, 3, 4]], SURE, FIRST), Image(cine()), BOXES_2D).regions
    assert [(one.image_index, one.frame) for one in regions] == [(0, 1), (0, 2), (0, 3)]


def test_a_box_is_cut_where_it_leaves_the_image():
    region = only(found(Tells([[-5.0, 70, 9, 200]], SURE, FIRST), picture(), BOXES_2D))
    assert region.points == ((70, 0), (80, 9))


SEVERAL = [[0.0, 0, 10, 10], [1, 1, 11, 11], [0, 0, 10, 10], [30, 30, 40, 40], [0, 0, 0, 0]]


def classes(*thresholds: float) -> list[dict[str, object]]:
    return [MARK | {"name": f"Class {n}", "threshold": one} for n, one in enumerate(thresholds)]


def test_weak_and_overlapping_boxes_are_left_out_class_by_class():
    network = Tells(SEVERAL, [0.6, 0.8, 0.7, 0.45, 0.0], [3, 3, 4, 4, 9])
    output = BOXES_2D | {"classes": classes(0.5, 0.4), "first_label": 3}

    def told(**changes) -> list[tuple[str, float | None]]:
        regions = found(network, picture(), output | changes).regions
        return [(one.name, round(one.probability or 0, 2)) for one in regions]

    assert told(maximum_overlap=0.5) == [("Class 0", 0.8), ("Class 1", 0.7), ("Class 1", 0.45)]
    assert told(maximum_overlap=0.9, most=2) == [("Class 0", 0.8), ("Class 1", 0.7)]
    assert len(told()) == 4


@pytest.mark.parametrize(
    ("encoding", "scores", "expected"),
    [
        ("probability", [[0.2, 0.7]], [("Class 1", 0.7)]),
        ("probability", [[0.6, 0.7]], [("Class 1", 0.7), ("Class 0", 0.6)]),
        ("sigmoid", [[-9.0, 0.0]], [("Class 1", 0.5)]),
        ("softmax", [[0.0, 9.0, 0.0]], [("Class 0", 1.0)]),
    ],
)
def test_classes_may_be_told_by_channels_of_the_scores(encoding, scores, expected):
    output = BOXES_2D | {"class_from": "scores", "encoding": encoding, "classes": classes(0.5, 0.5)}
    regions = found(Tells([[0.0, 0, 9, 9]], scores), picture(), output).regions
    assert [(one.name, round(one.probability or 0, 2)) for one in regions] == expected


def test_a_single_class_needs_no_labels_and_no_boxes_are_no_finding():
    output = BOXES_2D | {"class_from": "scores", "calibration": "none was done"}
    region = only(found(Tells([[0.0, 0, 9, 9]], SURE), picture(), output))
    assert region.calibration == "none was done"
    none = Tells(torch.zeros(0, 4), torch.zeros(0))
    assert found(none, picture(), output).is_empty


BOX = [[0.0, 0, 9, 9]]


@pytest.mark.parametrize(
    ("network", "output", "error", "told"),
    [
        (Tells(BOX, SURE), BOXES_2D, WrongCount, "2 tensor"),
        (Tells([[0.0] * 6], SURE, FIRST), BOXES_2D, WrongShape, r"\(1, 6\).*\(-1, 4\)"),
        (Tells(BOX, [0.9, 0.8], FIRST), BOXES_2D, WrongShape, r"\(2,\).*\(1,\)"),
        (Tells(BOX, [[0.9, 0.8]]), BOXES_2D | {"class_from": "scores"}, WrongShape, "expect"),
        (Tells([[0.0, 0, float("nan"), 9]], SURE, FIRST), BOXES_2D, NotFinite, "NaN"),
        (Tells([[9.0, 0, 0, 9]], SURE, FIRST), BOXES_2D, InvertedBox, r"\(9, 0, 0, 9\).*xyxy"),
        (Tells([[0.0, 0, 9, -9]], SURE, FIRST), BOXES_2D | {"mode": "ccwh"}, InvertedBox, "ccwh"),
        (Tells([[0.0, 80, 9, 90]], SURE, FIRST), BOXES_2D, OutsideImage, "beyond its 64 x 80"),
        (Tells(BOX, SURE, [1]), BOXES_2D, UnknownClass, "class 1; the card has 0 to 0"),
        (Tells(BOX, [7.0], FIRST), BOXES_2D, StandardsError, "expected 0 to 1"),
        (Tells(boxes=BOX, scores=SURE), BOXES_2D | NAMED, MissingTensor, "'labels', but boxes"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_boxes_that_are_not_what_the_card_says_end_by_name(network, output, error, told):
    with pytest.raises(error, match=told):
        found(network, picture(), output)


def test_what_a_detection_network_gives_for_its_only_image_is_read_by_name():
    network = Finder()
    network.register_forward_hook(lambda _network, _seen, answer: [answer | {"more": SURE}])
    assert_is_the_box(only(found(network, picture(), BOXES_2D | NAMED)))


POINTS = {"kind": "points", **MARK}


def test_points_on_an_image_are_told_by_the_corner_of_its_first_pixel():
    network = Tells([[10.0, 16.0, 0.9], [1.0, 1.0, 0.2]])
    assert only(found(network, picture(), POINTS)).points == ((16.5, 10.5),)
    half = found(network, picture(), POINTS, preprocessing={"size": [32, 40]})
    assert only(half).points == ((33, 21),)
    turned = POINTS | {"x_axis": "last", "scored": False}
    first, _ = found(Tells([[16.0, 10.0], [1.0, 1.0]]), picture(), turned).regions
    assert (first.points, first.probability) == (((16.5, 10.5),), None)


def test_points_in_a_volume_may_be_told_in_the_patient():
    network = Tells([[-4.0, -90.0, 316.0, 0.9]])
    region = only(found(network, volume(), POINTS | {"units": "lps-mm"}))
    assert region.points == (pytest.approx((-4, -90, 316)),)
    with pytest.raises(OutsideImage, match="24 x 32 x 40"):
        found(network, volume(), POINTS | {"units": "ras-mm"})


def test_peaks_are_the_highest_places_of_each_channel_apart_from_one_another():
    maps = np.zeros((2, 64, 80), np.float32)
    maps[0, 10, 16], maps[0, 11, 17], maps[0, 40, 50] = 1.2, 0.9, 0.8
    maps[1, 5, 6] = 0.4
    output = {"kind": "peaks", "most": 3, "classes": classes(0.5, 0.3)}
    regions = found(Tells(maps.tolist()), picture(), output).regions
    assert [(one.name, one.points[0], round(one.probability or 0, 2)) for one in regions] == [
        ("Class 0", (16.5, 10.5), 1.0),
        ("Class 0", (50.5, 40.5), 0.8),
        ("Class 1", (6.5, 5.5), 0.4),
    ]


def test_a_peak_in_a_volume_is_a_point_in_the_patient():
    maps = np.zeros((1, *reversed(volume().voxels.shape)), np.float32)
    maps[0, -17, -11, 8] = 1  # columns to the right and rows to the front, as RAS counts
    output = {"kind": "peaks", "classes": [MARK]}
    seen = found(Tells(maps.tolist()), volume(), output, preprocessing={"orientation": "RAS"})
    assert only(seen).points == (pytest.approx((-4, -90, 316)),)


@pytest.mark.parametrize("size", [[64, 80], [128, 160]], ids=str)
def test_outlines_go_around_each_part_without_its_holes(size):
    by = size[0] // 64
    logits = np.full((2, *size), -2.0, np.float32)
    logits[1, 10 * by : 20 * by, 16 * by : 30 * by] = 2
    logits[1, 14 * by : 16 * by, 20 * by : 22 * by] = -3
    logits[1, 40 * by : 43 * by, 40 * by : 43 * by] = 2
    output = {"kind": "outlines", "classes": [MARK], "calibration": "none"}

    seen = found(Tells(logits.tolist()), picture(), output, preprocessing={"size": size})

    region = only(seen)  # the other part has 9 pixels
    assert region.shape is Shape.POLYGON
    curve = region.curve
    np.testing.assert_allclose([curve.min(0), curve.max(0)], ON_IMAGE, atol=0.02)
    assert region.probability == pytest.approx(1 / (1 + np.exp(-4)), abs=0.01)
    output |= {"minimum_pixels": 9}
    both = found(Tells(logits.tolist()), picture(), output, preprocessing={"size": size})
    assert len(both.regions) == 2


def test_masks_that_hold_labels_tell_no_probability():
    labels = np.zeros((1, 64, 80), np.float32)
    labels[0, 10:20, 16:30] = 1
    output = {"kind": "outlines", "encoding": "labels", "classes": [MARK]}
    assert only(found(Tells(labels.tolist()), picture(), output)).probability is None

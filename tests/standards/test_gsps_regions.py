"""Presentation states of regions: grey and colour images, loops, several images (SC-58, 66)."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from standards.derived import part10
from standards.gsps import presentation_states
from standards.icc import srgb_profile
from tests import judges
from tests.pictures import (
    BOX,
    FOUND,
    LINE,
    OUTLINE,
    POINT,
    cine,
    picture_result,
    radiograph,
    ultrasound,
)
from tests.series import KEY_SLICE, ct_series, findings, small_result
from tests.shared_data import shared_data


def _reread(result) -> list[Dataset]:
    return [dcmread(BytesIO(part10(state))) for state in presentation_states(result)]


def _shown(state: Dataset) -> list[str]:
    (series,) = state.ReferencedSeriesSequence
    return [image.ReferencedSOPInstanceUID for image in series.ReferencedImageSequence]


def _judged(result, images, folder: Path) -> list[str]:
    complaints, sources = [], []
    for number, image in enumerate(images):
        sources.append(folder / f"image{number}.dcm")
        sources[-1].write_bytes(part10(image))
    for number, state in enumerate(presentation_states(result)):
        path = folder / f"state{number}.dcm"
        path.write_bytes(part10(state))
        complaints += judges.dciodvfy(path, sources[0]) + judges.dcmpschk(path)
        complaints += judges.dcentvfy([path], sources)
    return complaints


def test_each_region_is_drawn_on_its_image_in_the_layer_of_its_name():
    other = replace(BOX, points=((1, 1), (9, 9)), probability=None)
    result = picture_result([radiograph()], [BOX, POINT, OUTLINE, other])
    (state,) = _reread(result)

    assert [layer.GraphicLayer for layer in state.GraphicLayerSequence] == [
        "AI NOTICE", "AI 1 NODULE", "AI 2 CENTRE", "AI 3 OUTLINE",
    ]  # fmt: skip
    _, *drawn = state.GraphicAnnotationSequence
    assert [item.GraphicLayer for item in drawn] == [
        "AI 1 NODULE", "AI 2 CENTRE", "AI 3 OUTLINE", "AI 1 NODULE",
    ]  # fmt: skip
    for number, (item, region) in enumerate(
        zip(drawn, (BOX, POINT, OUTLINE, other), strict=True), start=1
    ):
        (graphic,), (label,) = item.GraphicObjectSequence, item.TextObjectSequence
        points = np.array(graphic.GraphicData).reshape(-1, 2)
        np.testing.assert_allclose(points, region.curve)
        assert graphic.TrackingUID == label.TrackingUID == result.analysis.region_uid(number)
    assert drawn[0].TextObjectSequence[0].UnformattedTextValue == "Nodule 87.5 %"
    assert drawn[1].GraphicObjectSequence[0].GraphicType == "POINT"


def test_the_image_looks_as_it_does_without_the_state():
    (state,) = _reread(picture_result([radiograph()]))

    assert state.PresentationLUTShape == "INVERSE"  # MONOCHROME1
    (window,) = state.SoftcopyVOILUTSequence
    assert (window.WindowCenter, window.WindowWidth) == (2000, 3000)  # the first of two
    assert (state.RescaleIntercept, state.RescaleSlope) == (0, 1)


def test_colour_images_get_a_colour_state_with_a_profile():
    (state,) = _reread(picture_result([ultrasound()]))

    assert state.SOPClassUID.name == "Color Softcopy Presentation State Storage"
    assert state.ICCProfile[12:20] == b"scnrRGB "
    assert "SoftcopyVOILUTSequence" not in state


def test_the_profile_of_an_image_is_kept_though_it_is_of_a_display():
    own = srgb_profile().replace(b"scnr", b"mntr", 1)
    (state,) = _reread(picture_result([ultrasound(ICCProfile=own)]))

    assert state.ICCProfile == own


def test_images_that_look_alike_share_a_state_and_all_states_lie_in_one_series():
    images = [radiograph(1), radiograph(2), radiograph(3, rows=70), radiograph(4)]
    found = [replace(LINE, image_index=index) for index in (2, 0, 1)]
    first, second = _reread(picture_result(images, found))

    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert (first.InstanceNumber, second.InstanceNumber) == (1, 2)
    shown = [
        [
            image.ReferencedSOPInstanceUID
            for image in state.ReferencedSeriesSequence[0].ReferencedImageSequence
        ]
        for state in (first, second)
    ]
    uids = [image.SOPInstanceUID for image in images]
    assert shown == [uids[:2], uids[2:3]]


def test_regions_on_the_key_slice_join_its_state():
    on_key, on_other = (replace(BOX, image_index=index) for index in (KEY_SLICE, 2))
    key, other = _reread(small_result(found=[*findings(), on_key, on_other]))

    layers = [layer.GraphicLayer for layer in key.GraphicLayerSequence]
    assert layers == ["AI NOTICE", "AI 1 RIGHT LUNG", "AI 2 LEFT LUNG", "AI 3 NODULE"]
    assert (key.SoftcopyVOILUTSequence[0].WindowCenter, key.InstanceNumber) == (-600, 1)
    assert (other.SoftcopyVOILUTSequence[0].WindowCenter, other.InstanceNumber) == (40, 2)


def test_a_region_of_a_loop_is_drawn_on_its_frame_only():
    (state,) = _reread(picture_result([cine()], [replace(BOX, frame=2)]))

    drawn = state.GraphicAnnotationSequence[1].ReferencedImageSequence[0]
    assert drawn.ReferencedFrameNumber == 2


@pytest.mark.parametrize(
    ("images", "found"),
    [
        ([radiograph(1), radiograph(2)], [*FOUND, replace(BOX, image_index=1)]),
        ([radiograph(PixelSpacing=[0, 0])], FOUND),
        ([ultrasound()], FOUND),
        ([cine()], [replace(BOX, frame=2), replace(POINT, frame=3)]),
        (ct_series(), [replace(BOX, image_index=index) for index in (1, 5)]),
    ],
    ids=["radiographs", "no spacing", "colour", "loop", "slices"],
)
def test_judges_have_no_complaint(images, found, tmp_path: Path):
    assert _judged(picture_result(images, found), images, tmp_path) == []


@pytest.mark.parametrize(
    "name",
    ["xray/dog_thorax_dx.dcm", "us/lymphnode_j2k_single.dcm", "us/echo_doppler_8frames_jpeg.dcm"],
)
def test_real_images_are_presented_without_complaint(name, tmp_path: Path):
    image = dcmread(shared_data(name))
    frame = 2 if image.get("NumberOfFrames", 1) > 1 else None
    found = [replace(one, frame=frame) for one in (BOX, POINT, OUTLINE)]

    assert _judged(picture_result([image], found), [image], tmp_path) == []


def test_the_same_result_writes_the_same_bytes():
    made = [
        part10(state)
        for _ in range(2)
        for state in presentation_states(picture_result([ultrasound()]))
    ]

    assert made[0] == made[1]

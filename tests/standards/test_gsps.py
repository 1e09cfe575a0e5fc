"""GSPS: outlines, labels and window, read back from the bytes (SC-58, 62, 66, 70)."""

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from highdicom.color import CIELabColor
from pydicom import Dataset, dcmread

from standards import codes
from standards.contours import enclosed_area
from standards.derived import part10
from standards.errors import MissingFinding, SourceMismatch
from standards.findings import KeyImage, LabelMap, Structure
from standards.gsps import presentation_state
from tests import judges
from tests.series import (
    COLUMNS,
    KEY_SLICE,
    LEFT,
    RIGHT,
    ROWS,
    ct_series,
    label_map,
    measurements,
    small_result,
)
from tests.shared_data import shared_data


def _reread(result) -> Dataset:
    return dcmread(BytesIO(part10(presentation_state(result))))


def _curves(annotation: Dataset) -> list[np.ndarray]:
    drawn = annotation.get("GraphicObjectSequence", [])
    return [np.array(g.GraphicData).reshape(-1, 2) for g in drawn]


def test_only_the_key_slice_is_shown_through_the_models_window():
    result = small_result()
    key = result.analysis.source[KEY_SLICE]

    state = _reread(result)

    (series,) = state.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == key.SeriesInstanceUID
    (image,) = series.ReferencedImageSequence
    assert image.ReferencedSOPInstanceUID == key.SOPInstanceUID
    (window,) = state.SoftcopyVOILUTSequence
    assert (window.WindowCenter, window.WindowWidth) == (-600, 1500)
    assert (state.RescaleIntercept, state.RescaleSlope, state.RescaleType) == (-1024, 1, "HU")


def test_the_whole_slice_is_displayed_in_the_true_shape_of_its_pixels():
    (area,) = _reread(small_result()).DisplayedAreaSelectionSequence

    assert area.DisplayedAreaTopLeftHandCorner == [1, 1]
    assert area.DisplayedAreaBottomRightHandCorner == [COLUMNS, ROWS]
    assert area.PresentationPixelSpacing == [1.5, 1.25]
    assert "PresentationPixelAspectRatio" not in area


def test_each_structure_has_a_layer_of_its_own_in_its_colour():
    state = _reread(small_result())

    notice, *layers = state.GraphicLayerSequence
    assert notice.GraphicLayer == "AI NOTICE"
    assert [layer.GraphicLayer for layer in layers] == ["AI 1 RIGHT LUNG", "AI 2 LEFT LUNG"]
    for layer, structure in zip(layers, (RIGHT, LEFT), strict=True):
        colour = CIELabColor.from_dicom_value(layer.GraphicLayerRecommendedDisplayCIELabValue)
        np.testing.assert_allclose(colour.to_rgb(), structure.colour, atol=2)
    used = [annotation.GraphicLayer for annotation in state.GraphicAnnotationSequence]
    assert used == [layer.GraphicLayer for layer in state.GraphicLayerSequence]


def test_outlines_enclose_the_mask_and_stay_inside_the_image():
    result = small_result()
    state = _reread(result)

    for number, structure in enumerate((RIGHT, LEFT), start=1):
        annotation = state.GraphicAnnotationSequence[number]
        (curve,) = _curves(annotation)
        (label,) = annotation.TextObjectSequence
        marked = np.count_nonzero(label_map().voxels[KEY_SLICE] == number)

        assert annotation.GraphicObjectSequence[0].GraphicType == "POLYLINE"
        assert annotation.GraphicObjectSequence[0].GraphicAnnotationUnits == "PIXEL"
        assert enclosed_area(curve) == pytest.approx(marked, rel=0.02)
        assert (curve >= 0).all()
        assert (curve <= [COLUMNS, ROWS]).all()
        assert label.UnformattedTextValue == structure.name
        assert list(label.AnchorPoint) in curve.tolist()
        assert label.TrackingUID == result.analysis.tracking_uid(structure)


def test_it_says_that_an_algorithm_drew_it():
    state = _reread(small_result())

    (text,) = state.GraphicAnnotationSequence[0].TextObjectSequence
    assert text.UnformattedTextValue == "AI: Lung CT 1.2.0 - not for diagnosis"
    assert state.SeriesDescription == "AI Lung CT presentation"
    (model,) = state.ContributingEquipmentSequence
    assert model.DeviceUID == small_result().analysis.algorithm.device_uid
    assert (state.PresentationCreationDate, state.PresentationCreationTime) == (
        "20260304",
        "050607.890000",
    )


def test_a_structure_that_the_key_slice_does_not_show_has_no_layer():
    voxels = label_map().voxels.copy()
    voxels[KEY_SLICE][voxels[KEY_SLICE] == 2] = 0
    found = [LabelMap(voxels, (RIGHT, LEFT)), KeyImage(KEY_SLICE, -600, 1500)]

    state = _reread(small_result(found=found))

    names = [layer.GraphicLayer for layer in state.GraphicLayerSequence]
    assert names == ["AI NOTICE", "AI 1 RIGHT LUNG"]


@pytest.mark.parametrize("name", ["Lunge rechts (Oberlappen) größer", "肺", "a", "x" * 64])
def test_any_name_becomes_a_layer(name, tmp_path: Path):
    structure = Structure(name, codes.ANATOMICAL_STRUCTURE, codes.LUNG, (9, 9, 9))
    voxels = (label_map().voxels > 0).astype(np.uint8)
    result = small_result(found=[LabelMap(voxels, (structure,)), KeyImage(KEY_SLICE, -600, 1500)])
    path = tmp_path / "pr.dcm"
    path.write_bytes(part10(presentation_state(result)))

    assert judges.dciodvfy(path) == []
    assert dcmread(path).GraphicLayerSequence[1].GraphicLayerDescription == name


def _written(result, image: Dataset, folder: Path) -> tuple[Path, Path]:
    state, source = folder / "pr.dcm", folder / "source.dcm"
    state.write_bytes(part10(presentation_state(result)))
    source.write_bytes(part10(image))
    return state, source


def test_judges_have_no_complaint_and_another_reader_sees_the_same(tmp_path: Path):
    instances = ct_series()
    state, source = _written(small_result(instances), instances[KEY_SLICE], tmp_path)

    assert judges.dciodvfy(state) == []
    assert judges.dcmpschk(state) == []
    assert judges.dcentvfy([state], [source]) == []
    understood = judges.dcmp2pgm(state, source, tmp_path / "out.pgm")
    assert "window center=-600 width=1500" in understood
    assert "Graphic Layer #2 [AI 1 RIGHT LUNG]" in understood
    assert 'text 1: "Left lung"' in understood
    assert (tmp_path / "out.pgm").read_bytes().startswith(b"P5")


def test_a_real_ct_is_presented_without_complaint(tmp_path: Path):
    folder = shared_data("ct_chest_a0001", "series_soft_kernel_B")
    instances = [dcmread(path) for path in folder.glob("*.dcm")]
    instances.sort(key=lambda i: float(i.ImagePositionPatient[2]))
    air = np.stack([i.pixel_array for i in instances]) < 400
    found = [LabelMap(air.astype(np.uint8), (RIGHT,)), KeyImage(30, -600, 1500)]
    state, source = _written(small_result(instances, found), instances[30], tmp_path)

    assert judges.dciodvfy(state, source) == []
    assert judges.dcmpschk(state) == []
    assert judges.dcentvfy([state], [source]) == []


def test_the_same_result_writes_the_same_bytes():
    first, second = (part10(presentation_state(small_result())) for _ in range(2))

    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()


def test_refuses_findings_without_a_key_image():
    with pytest.raises(MissingFinding, match="a key image"):
        presentation_state(small_result(found=[label_map(), *measurements()]))
    with pytest.raises(SourceMismatch):
        presentation_state(small_result(found=[label_map(columns=99), KeyImage(0, 0, 1)]))

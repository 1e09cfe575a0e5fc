"""SR: classifications as qualitative evaluations, regions as planar groups (SC-58, 60, 61, 63)."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import highdicom as hd
import pytest
from pydicom import Dataset

from standards import codes
from standards.derived import part10
from standards.findings import Region, Shape
from standards.sr import report
from tests import judges
from tests.pictures import (
    BOX,
    LINE,
    NODULE,
    OUTLINE,
    POINT,
    SUSPICION,
    cine,
    picture_result,
    radiograph,
    ultrasound,
)
from tests.series import ALGORITHM, ct_series, small_result

TOOL = "Cornerstone3DTools@^0.1.0:"
IN_SPACE = (
    Region(Shape.POINT, ((-60, -40, -20),), "Point", NODULE),
    Region(Shape.POLYGON, ((-60, -40, -20), (-40, -40, -20), (-40, -30, -20)), "Outline", NODULE),
)


def _reread(result) -> hd.sr.Comprehensive3DSR:
    return hd.sr.srread(BytesIO(part10(report(result, None))))


def _below(item: Dataset, *names: str) -> list[Dataset]:
    """Children of these concept names, level by level."""
    found = [item]
    for name in names:
        found = [
            child
            for parent in found
            for child in parent.get("ContentSequence", [])
            if child.ConceptNameCodeSequence[0].CodeValue == name
        ]
    return found


def _value(item: Dataset) -> str:
    return item.ConceptCodeSequence[0].CodeValue


def test_a_classification_is_a_question_with_its_answer_side_and_certainty():
    result = picture_result([radiograph()], [SUSPICION])
    sr = _reread(result)

    (evaluation,) = _below(sr, codes.QUALITATIVE_EVALUATIONS.value, SUSPICION.concept.value)
    assert _value(evaluation) == codes.ABSENT.value
    (certainty,) = _below(evaluation, codes.CERTAINTY_OF_FINDING.value)
    (measured,) = certainty.MeasuredValueSequence
    assert (measured.NumericValue, measured.MeasurementUnitsCodeSequence[0].CodeValue) == (
        97.3,
        "%",
    )
    (site,) = _below(evaluation, codes.FINDING_SITE.value)
    assert _value(site) == codes.LUNG.value
    assert [_value(side) for side in _below(site, codes.LATERALITY.value)] == ["24028007"]
    (comment,) = _below(evaluation, codes.COMMENT.value)
    assert comment.TextValue.endswith("isotonic regression on generated radiographs")
    (uid,) = _below(evaluation, "112040")
    assert result.analysis.classification_uid(1) == uid.UID
    (name,) = _below(evaluation, "111001")
    assert name.TextValue == ALGORITHM.name
    assert not _below(sr, codes.IMAGING_MEASUREMENTS.value)
    assert not _below(sr, codes.QUALITATIVE_EVALUATIONS.value, codes.FINDING.value)


def test_each_region_is_a_planar_group_that_ohif_can_draw_and_edit():
    result = picture_result([radiograph()], [BOX, POINT, OUTLINE, LINE])
    groups = _reread(result).content.get_planar_roi_measurement_groups()

    assert [group.tracking_identifier for group in groups] == [
        f"{TOOL}RectangleROI:Nodule", f"{TOOL}Probe:Centre",
        f"{TOOL}PlanarFreehandROI:Outline", "Line",
    ]  # fmt: skip
    assert len({group.tracking_uid for group in groups}) == 4
    for group, region in zip(groups, (BOX, POINT, OUTLINE, LINE), strict=True):
        assert group.finding_type == NODULE
        assert group.finding_category == region.category
        assert group.roi.value.tolist() == region.curve.tolist()
        image = group.roi.ContentSequence[0].ReferencedSOPSequence[0]
        assert image.ReferencedSOPInstanceUID == result.analysis.source[0].SOPInstanceUID
    box, point = groups[0], groups[1]
    (number,) = [item for item in box[0].ContentSequence if item.ValueType == "NUM"]
    assert number.MeasuredValueSequence[0].NumericValue == 87.5
    assert [item.ValueType for item in number.ContentSequence] == ["SCOORD"]
    assert point.finding_sites[0].value == codes.LUNG
    assert _below(point[0], codes.COMMENT.value)[0].TextValue == "Centre"


def test_an_area_is_told_where_pixels_have_a_size_in_the_patient():
    drawn = replace(BOX, probability=None)
    (on_ct,) = _reread(
        small_result(found=[replace(drawn, image_index=3)])
    ).content.get_planar_roi_measurement_groups()
    (on_dx,) = _reread(
        picture_result([radiograph(PixelSpacing=[0.2, 0.2])], [drawn])
    ).content.get_planar_roi_measurement_groups()

    (area,) = on_ct.get_measurements(codes.AREA)
    assert area.value == pytest.approx(40 * 30 * 1.5 * 1.25)
    assert on_dx.get_measurements() == []


def test_what_lies_in_the_patient_is_scoord3d_in_the_frame_of_reference_of_the_source():
    result = small_result(found=IN_SPACE)
    point, outline = _reread(result).content.get_planar_roi_measurement_groups()

    frame = result.analysis.source[0].FrameOfReferenceUID
    assert point.roi.ValueType == outline.roi.ValueType == "SCOORD3D"
    assert point.roi.ReferencedFrameOfReferenceUID == frame
    assert point.roi.value.tolist() == [[-60, -40, -20]]
    assert outline.roi.GraphicType == "POLYLINE"
    assert outline.roi.value.tolist()[0] == outline.roi.value.tolist()[-1] == [-60, -40, -20]


def test_a_region_of_a_loop_names_its_frame():
    result = picture_result([cine()], [replace(BOX, frame=2)])
    (group,) = _reread(result).content.get_planar_roi_measurement_groups()

    (reference,) = group.roi.ContentSequence[0].ReferencedSOPSequence
    assert reference.ReferencedFrameNumber == 2


@pytest.mark.parametrize(
    ("images", "found"),
    [
        ([radiograph()], [SUSPICION]),
        ([radiograph(1), radiograph(2)], [SUSPICION, BOX, replace(OUTLINE, image_index=1), LINE]),
        ([ultrasound()], [POINT, BOX]),
        ([cine()], [replace(BOX, frame=2)]),
        (ct_series(), IN_SPACE),
    ],
    ids=["classification", "radiographs", "colour", "loop", "patient"],
)
def test_judges_have_no_complaint(images, found, tmp_path: Path):
    path, sources = tmp_path / "sr.dcm", []
    path.write_bytes(part10(report(picture_result(images, found), None)))
    for number, image in enumerate(images):
        sources.append(tmp_path / f"{number}.dcm")
        sources[-1].write_bytes(part10(image))

    assert judges.dciodvfy(path, sources[0]) == []
    assert judges.dsrdump(path) == []
    assert judges.dcentvfy([path], sources) == []


def test_a_private_code_of_ours_is_explained():
    own = replace(BOX, finding=hd.sr.CodedConcept("X", "99AIRGATE", "Own thing"))
    (scheme,) = _reread(picture_result([radiograph()], [own])).CodingSchemeIdentificationSequence

    assert scheme.CodingSchemeDesignator == "99AIRGATE"

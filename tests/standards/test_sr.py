"""SR: the AIR result tree, read back from the bytes (SC-58 … 63, 69 … 73)."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.sr.coding import Code

from standards import codes
from standards.contours import enclosed_area
from standards.derived import part10
from standards.findings import KeyImage, LabelMap, Measurement
from standards.seg import segmentation
from standards.sr import report
from tests import judges
from tests.series import (
    ALGORITHM,
    KEY_SLICE,
    LEFT,
    RIGHT,
    ct_series,
    label_map,
    measurements,
    small_result,
)
from tests.shared_data import shared_data

OHIF_FREEHAND = "Cornerstone3DTools@^0.1.0:PlanarFreehandROI:"


def _reread(result, with_segmentation=True) -> hd.sr.Comprehensive3DSR:
    seg = segmentation(result) if with_segmentation else None
    return hd.sr.srread(BytesIO(part10(report(result, seg))))


def _items(item: Dataset, name: Code | None = None) -> list[Dataset]:
    """Content items of this name, at any depth, in document order; all of them without a name."""
    found = []
    for child in item.get("ContentSequence", []):
        concept = next(iter(child.get("ConceptNameCodeSequence", [])), None)
        if name is None or (concept is not None and concept.CodeValue == name.value):
            found.append(child)
        found += _items(child, name)
    return found


def _numbers(item: Dataset) -> list[tuple[str, float, str]]:
    return [
        (
            number.ConceptNameCodeSequence[0].CodeValue,
            float(number.MeasuredValueSequence[0].NumericValue),
            number.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue,
        )
        for number in _items(item)
        if number.ValueType == "NUM"
    ]


def _meanings(item: Dataset) -> list[str]:
    return [child.ConceptNameCodeSequence[0].CodeMeaning for child in item.ContentSequence]


def test_the_tree_is_a_measurement_report_in_the_order_of_its_template():
    sr = _reread(small_result())

    assert sr.SOPClassUID.name == "Comprehensive 3D SR Storage"
    assert sr.ConceptNameCodeSequence[0].CodeValue == "126000"
    template = sr.ContentTemplateSequence[0]
    assert (template.TemplateIdentifier, template.MappingResource) == ("1500", "DCMR")
    assert _meanings(sr) == [
        "Language of Content Item and Descendants",
        "Observer Type",
        "Device Observer UID",
        "Device Observer Name",
        "Device Observer Manufacturer",
        "Device Observer Model Name",
        "Procedure reported",
        "Image Library",
        "Imaging Measurements",
        "Derived Imaging Measurements",
    ]


def test_the_report_is_complete_but_neither_final_nor_verified():
    sr = _reread(small_result())

    flags = (sr.CompletionFlag, sr.PreliminaryFlag, sr.VerificationFlag)
    assert flags == ("COMPLETE", "PRELIMINARY", "UNVERIFIED")
    assert sr.SeriesDescription == "AI Lung CT report"
    assert (sr.ContentDate, sr.ContentTime) == ("20260304", "050607.890000")


def test_the_model_is_told_alike_in_equipment_observer_and_groups():
    sr = _reread(small_result())

    (model,) = sr.ContributingEquipmentSequence
    assert model.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
    text = {
        name: {i.get("UID") or i.get("TextValue") for i in _items(sr) if _name(i) == name}
        for name in ("121012", "121014", "121015", "111001", "111003", "122405")
    }
    assert text["121012"] == {model.DeviceUID} == {ALGORITHM.device_uid}
    assert text["121014"] == text["122405"] == {model.Manufacturer} == {"Airgate project"}
    assert text["121015"] == text["111001"] == {model.ManufacturerModelName} == {"Lung CT"}
    assert text["111003"] == {model.SoftwareVersions} == {"1.2.0"}
    assert sr.ManufacturerModelName == "Airgate"


def _name(item: Dataset) -> str:
    return item.ConceptNameCodeSequence[0].CodeValue


def test_each_structure_has_a_drawn_group_and_a_measured_one_under_one_tracking_uid():
    result = small_result()
    seg = segmentation(result)
    content = _reread(result).content

    planar = content.get_planar_roi_measurement_groups()
    volumetric = content.get_volumetric_roi_measurement_groups()

    assert [g.tracking_identifier for g in volumetric] == ["Right lung", "Left lung"]
    assert [g.tracking_identifier for g in planar] == [
        OHIF_FREEHAND + name for name in ("Right lung", "Left lung")
    ]
    for number, (drawn, measured) in enumerate(zip(planar, volumetric, strict=True), start=1):
        segment = seg.SegmentSequence[number - 1]
        assert drawn.tracking_uid == measured.tracking_uid == segment.TrackingUID
        assert measured.tracking_identifier == segment.TrackingID
        assert drawn.finding_type == measured.finding_type
        assert measured.finding_type == (RIGHT, LEFT)[number - 1].type
        reference = measured.referenced_segment
        assert reference.referenced_sop_instance_uid == seg.SOPInstanceUID
        assert reference[0].referenced_segment_numbers == [number]
    groups = _items(_reread(result), Code("125007", "DCM", "Measurement Group"))
    kinds = [g.ContentTemplateSequence[0].TemplateIdentifier for g in groups]
    assert kinds == ["1410", "1411", "1410", "1411"]  # OHIF takes the tool from the first


def test_every_number_of_the_model_is_in_the_report_once_as_rounded():
    sr = _reread(small_result())

    volumetric = sr.content.get_volumetric_roi_measurement_groups()
    assert _numbers(volumetric[0][0]) == [
        ("118565006", 1234.6, "ml"),
        ("112031", -801.2, "[hnsf'U]"),
    ]
    assert _numbers(volumetric[1][0]) == [("118565006", 1010.1, "ml"), ("LAA-950", 3.2, "%")]
    (derived,) = _items(sr, codes.DERIVED_IMAGING_MEASUREMENTS)
    assert _numbers(derived) == [("118565006", 2244.7, "ml"), ("PERC15", -922.0, "[hnsf'U]")]
    sites = {i.ConceptCodeSequence[0].CodeValue for i in _items(derived) if _name(i) == "363698007"}
    assert sites == {codes.BOTH_LUNGS.value}
    mean = volumetric[0].get_measurements(codes.ATTENUATION_COEFFICIENT)[0]
    assert mean.derivation == codes.MEAN


def test_the_outline_is_drawn_on_the_key_slice_and_once_more_below_its_area():
    result = small_result()
    key = result.analysis.source[KEY_SLICE].SOPInstanceUID

    for number, group in enumerate(
        _reread(result).content.get_planar_roi_measurement_groups(), start=1
    ):
        region = group.roi
        points = region.value
        (area,) = [i for i in group[0].ContentSequence if i.ValueType == "NUM"]
        (nested,) = area.ContentSequence

        assert region.graphic_type == hd.sr.GraphicTypeValues.POLYLINE
        np.testing.assert_array_equal(points[0], points[-1])
        assert nested.ValueType == "SCOORD"
        assert nested.RelationshipType == "INFERRED FROM"
        assert nested.GraphicData == region.GraphicData
        for scoord in (region, nested):
            (image,) = scoord.ContentSequence
            assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == key
        square_millimetres = 1.5 * 1.25
        marked = np.count_nonzero(label_map().voxels[KEY_SLICE] == number)
        stated = float(area.MeasuredValueSequence[0].NumericValue)
        assert stated == pytest.approx(enclosed_area(points) * square_millimetres, abs=0.06)
        assert stated == pytest.approx(marked * square_millimetres, rel=0.02)


def test_without_a_mark_on_the_key_slice_the_fullest_slice_is_drawn_on():
    result = small_result(found=[label_map(), *measurements(), KeyImage(0, -600, 1500)])

    group = _reread(result).content.get_planar_roi_measurement_groups()[0]

    (image,) = group.roi.ContentSequence
    drawn_on = image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    fullest = np.argmax((label_map().voxels == 1).sum(axis=(1, 2)))
    assert drawn_on == result.analysis.source[fullest].SOPInstanceUID


def test_ohif_finds_a_graphic_in_every_tracked_thing():
    """OHIF merges groups by tracking UID and blanks the report if one lacks SCOORD."""
    half = np.where(label_map().voxels == 1, 1, 0).astype(np.uint8)
    for found in (
        [label_map(), *measurements()],
        [LabelMap(half, (RIGHT, LEFT)), *measurements()],  # the left lung is marked nowhere
    ):
        sr = _reread(small_result(found=found))
        merged: dict[str, set[str]] = {}
        for group in _items(sr, Code("125007", "DCM", "Measurement Group")):
            (uid,) = [i.UID for i in group.ContentSequence if _name(i) == "112040"]
            assert any(_name(i) == "112039" for i in group.ContentSequence)
            merged.setdefault(uid, set()).update(i.ValueType for i in group.ContentSequence)
        assert merged
        assert all("SCOORD" in kinds for kinds in merged.values())


def test_everything_that_is_referenced_is_evidence_and_exists():
    result = small_result()
    seg = segmentation(result)
    sr = _reread(result)

    evidence = {str(instance) for _, _, instance, _ in sr.get_evidence()}
    referenced = {
        str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for item in _items(sr)
        if item.ValueType == "IMAGE"
    }
    existing = {str(h.SOPInstanceUID) for h in result.analysis.source} | {seg.SOPInstanceUID}

    assert referenced == evidence == existing
    assert "PertinentOtherEvidenceSequence" not in sr


def test_the_image_library_lists_every_source_image_with_what_they_share():
    result = small_result()

    (library,) = _items(_reread(result), Code("111028", "DCM", "Image Library"))

    (group,) = library.ContentSequence
    images = [i for i in group.ContentSequence if i.ValueType == "IMAGE"]
    assert [i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in images] == [
        h.SOPInstanceUID for h in result.analysis.source
    ]
    assert _meanings(group)[:4] == [
        "Modality",
        "Study Date",
        "Study Time",
        "Frame of Reference UID",
    ]


def test_nothing_seen_is_said_in_code_and_words():
    sr = _reread(small_result(found=[]), with_segmentation=False)

    (evaluations,) = _items(sr, codes.QUALITATIVE_EVALUATIONS)
    finding, comment = evaluations.ContentSequence
    assert finding.ConceptCodeSequence[0].CodeMeaning == "Absent"
    assert comment.TextValue == "Lung CT 1.2.0 reports no finding."
    assert not _items(sr, codes.IMAGING_MEASUREMENTS)


def test_a_structure_that_is_marked_nowhere_is_absent_and_keeps_its_numbers():
    half = np.where(label_map().voxels == 1, 1, 0).astype(np.uint8)
    none = Measurement(codes.VOLUME, 0.0, codes.MILLILITRE, codes.LEFT_LUNG, 2)
    sr = _reread(small_result(found=[LabelMap(half, (RIGHT, LEFT)), none]))

    (evaluations,) = _items(sr, codes.QUALITATIVE_EVALUATIONS)
    absent, comment = evaluations.ContentSequence
    assert _name(absent) == LEFT.type.value
    assert absent.ConceptCodeSequence[0].CodeValue == codes.ABSENT.value
    assert comment.TextValue == "Lung CT 1.2.0 marked nothing as Left lung."
    (derived,) = _items(sr, codes.DERIVED_IMAGING_MEASUREMENTS)
    assert _numbers(derived) == [("118565006", 0.0, "ml")]


def test_without_a_segmentation_the_numbers_are_in_plain_groups():
    result = small_result()

    sr = _reread(result, with_segmentation=False)

    groups = _items(sr, Code("125007", "DCM", "Measurement Group"))
    kinds = [g.ContentTemplateSequence[0].TemplateIdentifier for g in groups]
    assert kinds == ["1410", "1501", "1410", "1501"]
    assert ("118565006", 1234.6, "ml") in _numbers(groups[1])


def _cases():
    half = np.where(label_map().voxels == 1, 1, 0).astype(np.uint8)
    return {
        "all": small_result(),
        "nothing": small_result(found=[]),
        "numbers only": small_result(found=measurements()[-2:]),
        "empty mask": small_result(found=[LabelMap(half * 0, (RIGHT, LEFT)), *measurements()]),
        "one structure": small_result(found=[LabelMap(half, (RIGHT,)), measurements()[0]]),
        "bare source": small_result(
            ct_series(without=["StudyDescription", "AccessionNumber", "PatientAge"])
        ),
        "charset": small_result(ct_series(charset="ISO_IR 100", PatientName="Müller^Änne")),
    }


@pytest.mark.parametrize("case", _cases())
def test_judges_have_no_complaint(case, tmp_path: Path):
    result = _cases()[case]
    seg = segmentation(result) if result.findings.label_map else None
    path = tmp_path / "sr.dcm"
    path.write_bytes(part10(report(result, seg)))

    assert judges.dciodvfy(path) == []
    assert judges.dsrdump(path) == []


def test_it_agrees_with_its_source_and_segmentation_about_patient_and_study(tmp_path: Path):
    instances = ct_series(PatientComments="", EthnicGroup="")
    result = small_result(instances)
    made, source = [tmp_path / "seg.dcm", tmp_path / "sr.dcm"], []
    seg = segmentation(result)
    for path, dataset in zip(made, (seg, report(result, seg)), strict=True):
        path.write_bytes(part10(dataset))
    for k, instance in enumerate(instances):
        source.append(tmp_path / f"{k}.dcm")
        source[-1].write_bytes(part10(instance))

    assert judges.dcentvfy(made, source) == []


def test_bytes_are_the_same_in_another_process_and_differ_for_another_build():
    program = (
        "import hashlib; from standards.derived import part10; from standards.sr import report;"
        "from standards.seg import segmentation; from tests.series import small_result;"
        "r = small_result(); s = report(r, segmentation(r));"
        "print(hashlib.sha256(part10(s)).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
    )  # fmt: skip
    result = small_result()
    here = report(result, segmentation(result))
    other = small_result(algorithm=replace(ALGORITHM, digest="cd" * 32))

    assert there.stdout.strip() == hashlib.sha256(part10(here)).hexdigest()
    assert report(other, segmentation(other)).SOPInstanceUID != here.SOPInstanceUID


def test_the_request_that_the_source_names_is_referenced():
    asked = Dataset()
    asked.RequestedProcedureID = "RP-5"
    asked.RequestedProcedureDescription = "CT thorax"
    sr = _reread(small_result(ct_series(RequestAttributesSequence=[asked])))

    (request,) = sr.ReferencedRequestSequence
    assert (request.AccessionNumber, request.RequestedProcedureID) == ("A-17", "RP-5")
    assert request.RequestedProcedureDescription == "CT thorax"


def test_a_real_ct_is_reported_without_complaint(tmp_path: Path):
    folder = shared_data("ct_chest_a0001", "series_soft_kernel_B")
    source = sorted(folder.glob("*.dcm"))
    instances = [dcmread(path) for path in source]
    instances.sort(key=lambda i: float(i.ImagePositionPatient[2]))
    air = np.stack([i.pixel_array for i in instances]) < 400
    result = small_result(instances, [LabelMap(air.astype(np.uint8), (RIGHT,)), measurements()[0]])
    seg = segmentation(result)
    made = [tmp_path / "seg.dcm", tmp_path / "sr.dcm"]
    for path, dataset in zip(made, (seg, report(result, seg)), strict=True):
        path.write_bytes(part10(dataset))

    assert judges.dciodvfy(made[1], source[0]) == []
    assert judges.dsrdump(made[1]) == []
    assert judges.dcentvfy(made, source) == []

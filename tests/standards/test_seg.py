"""SEG: what viewers rely on, read back from the bytes (SC-58, 59, 62, 64, 70, 72)."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from highdicom.color import CIELabColor
from pydicom import dcmread

from standards.derived import part10
from standards.errors import MissingFinding, SourceMismatch, StandardsError
from standards.findings import LabelMap
from standards.seg import segmentation
from tests import judges
from tests.series import ALGORITHM, LEFT, RIGHT, STARTED, ct_series, label_map, small_result
from tests.shared_data import shared_data


def _reread(result) -> hd.seg.Segmentation:
    return hd.seg.segread(BytesIO(part10(segmentation(result))))


def _voxels(seg: hd.seg.Segmentation, result) -> np.ndarray:
    uids = [str(header.SOPInstanceUID) for header in result.analysis.source]
    return seg.get_pixels_by_source_instance(
        uids, combine_segments=True, assert_missing_frames_are_empty=True
    )


def test_marks_come_back_on_the_slices_they_were_drawn_on():
    result = small_result()

    seg = _reread(result)

    np.testing.assert_array_equal(_voxels(seg, result), label_map().voxels)
    by_uid = {str(h.SOPInstanceUID): h for h in result.analysis.source}
    for frame in seg.PerFrameFunctionalGroupsSequence:
        derived_from = frame.DerivationImageSequence[0].SourceImageSequence[0]
        source = by_uid[derived_from.ReferencedSOPInstanceUID]
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(position, source.ImagePositionPatient, atol=1e-4)
    shared = seg.SharedFunctionalGroupsSequence[0]
    first = result.analysis.source[0]
    measures = shared.PixelMeasuresSequence[0]
    assert measures.PixelSpacing == first.PixelSpacing
    assert (measures.SliceThickness, measures.SpacingBetweenSlices) == (5, 5)
    orientation = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    np.testing.assert_allclose(orientation, first.ImageOrientationPatient, atol=1e-4)
    assert seg.FrameOfReferenceUID == first.FrameOfReferenceUID


def test_segments_say_what_they_are_who_made_them_and_their_colour():
    result = small_result()

    seg = _reread(result)

    assert seg.SegmentationType == "BINARY"
    assert seg.file_meta.TransferSyntaxUID.name == "Explicit VR Little Endian"
    for segment, structure in zip(seg.SegmentSequence, (RIGHT, LEFT), strict=True):
        assert segment.SegmentLabel == structure.name
        assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == structure.type.value
        assert segment.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator == "SCT"
        assert segment.SegmentAlgorithmType == "AUTOMATIC"
        assert segment.TrackingID == structure.name
        assert segment.TrackingUID == result.analysis.tracking_uid(structure)
        colour = CIELabColor.from_dicom_value(segment.RecommendedDisplayCIELabValue)
        np.testing.assert_allclose(colour.to_rgb(), structure.colour, atol=2)
        algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
        (model,) = seg.ContributingEquipmentSequence
        assert model.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
        assert model.DeviceUID == ALGORITHM.device_uid
        assert model.Manufacturer == algorithm.AlgorithmSource == "Airgate project"
        assert model.ManufacturerModelName == algorithm.AlgorithmName == "Lung CT"
        assert model.SoftwareVersions == algorithm.AlgorithmVersion == "1.2.0"


def test_the_whole_source_series_is_referenced_once():
    result = small_result()

    (series,) = _reread(result).ReferencedSeriesSequence

    assert series.SeriesInstanceUID == result.analysis.source[0].SeriesInstanceUID
    listed = [item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence]
    assert listed == [h.SOPInstanceUID for h in result.analysis.source]


def test_an_empty_mask_has_every_frame_and_no_mark():
    empty = LabelMap(np.zeros_like(label_map().voxels), (RIGHT, LEFT))
    result = small_result(found=[empty])

    seg = _reread(result)

    assert {
        int(f.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        for f in seg.PerFrameFunctionalGroupsSequence
    } == {1, 2}
    assert seg.NumberOfFrames == 2 * len(result.analysis.source)
    assert not seg.pixel_array.any()


@pytest.mark.parametrize("present", [1, 2])
def test_a_structure_without_a_mark_is_still_described(present):
    voxels = np.where(label_map().voxels == present, present, 0).astype(np.uint8)
    result = small_result(found=[LabelMap(voxels, (RIGHT, LEFT))])

    seg = _reread(result)

    assert seg.number_of_segments == 2
    np.testing.assert_array_equal(_voxels(seg, result), voxels)


def test_one_structure_alone_reads_back():
    voxels = (label_map().voxels > 0).astype(np.uint8)
    result = small_result(found=[LabelMap(voxels, (RIGHT,))])

    np.testing.assert_array_equal(_voxels(_reread(result), result), voxels)


@pytest.mark.parametrize("found", [None, "empty", "one", "right only"])
def test_judges_have_no_complaint(found, tmp_path: Path):
    voxels = label_map().voxels
    maps = {
        "empty": [LabelMap(np.zeros_like(voxels), (RIGHT, LEFT))],
        "one": [LabelMap((voxels > 0).astype(np.uint8), (RIGHT,))],
        "right only": [LabelMap(np.where(voxels == 1, 1, 0).astype(np.uint8), (RIGHT, LEFT))],
    }
    path = tmp_path / "seg.dcm"
    path.write_bytes(part10(segmentation(small_result(found=maps.get(found)))))

    assert judges.dciodvfy(path) == []


def test_bytes_are_the_same_in_another_process():
    here = hashlib.sha256(part10(segmentation(small_result()))).hexdigest()
    program = (
        "import hashlib; from standards.derived import part10;"
        "from standards.seg import segmentation; from tests.series import small_result;"
        "print(hashlib.sha256(part10(segmentation(small_result()))).hexdigest())"
    )
    root = Path(__file__).parents[2]
    there = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert there.stdout.strip() == here


def test_another_build_of_the_model_makes_other_uids():
    seg = segmentation(small_result())
    other = segmentation(small_result(algorithm=replace(ALGORITHM, digest="cd" * 32)))

    assert seg.SOPInstanceUID != other.SOPInstanceUID
    assert seg.SeriesInstanceUID != other.SeriesInstanceUID
    assert seg.SegmentSequence[0].TrackingUID != other.SegmentSequence[0].TrackingUID
    devices = {str(s.ContributingEquipmentSequence[0].DeviceUID) for s in (seg, other)}
    assert len(devices) == 2


def test_the_series_is_marked_as_ai_and_dated_by_the_start_of_the_analysis():
    seg = _reread(small_result())

    assert seg.SeriesDescription == "AI Lung CT segmentation"
    assert seg.SeriesNumber == 9001
    assert (seg.Manufacturer, seg.ManufacturerModelName) == ("Airgate project", "Airgate")
    for part in ("Content", "Series", "InstanceCreation"):
        assert seg[f"{part}Date"].value == "20260304"
        assert seg[f"{part}Time"].value == "050607.890000"


def test_dates_are_in_the_time_zone_that_the_source_states():
    result = small_result(ct_series(TimezoneOffsetFromUTC="-0930"))

    seg = _reread(result)

    assert seg.TimezoneOffsetFromUTC == "-0930"
    assert STARTED.utcoffset().total_seconds() == 3600
    assert (seg.ContentDate, seg.ContentTime) == ("20260303", "183607.890000")


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Änne"),
        ("ISO_IR 144", "Люкceмбypг"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
    ],
)
def test_names_survive_the_change_to_utf8(charset, name):
    result = small_result(ct_series(charset=charset, PatientName=name))

    seg = _reread(result)

    assert seg.SpecificCharacterSet == "ISO_IR 192"
    assert seg.PatientName == name


def test_what_the_source_leaves_empty_or_out_stays_so():
    gone = ["StudyDescription", "PatientAge", "SliceThickness", "BodyPartExamined"]
    type_2 = ["AccessionNumber", "ReferringPhysicianName", "StudyTime", "StudyID"]
    blank = dict.fromkeys(["PatientName", "PatientBirthDate", "PatientSex", "StudyDate"], "")
    result = small_result(ct_series(without=[*gone, *type_2], **blank))

    seg = _reread(result)

    assert all(keyword not in seg for keyword in ("StudyDescription", "PatientAge"))
    assert all(seg[keyword].is_empty for keyword in (*type_2, *blank))
    assert seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness == 5


def test_values_that_no_reader_can_parse_are_left_empty():
    odd = {"PatientSex": "X", "StudyDate": "yesterday", "PatientBirthDate": "31.12.1970"}
    result = small_result(ct_series(**odd))

    seg = _reread(result)

    assert all(seg[keyword].is_empty for keyword in odd)
    assert seg.PatientID == "TEST-1"


def test_refuses_what_cannot_become_a_segmentation():
    with pytest.raises(MissingFinding, match="a label map"):
        segmentation(small_result(found=[]))
    with pytest.raises(SourceMismatch, match=r"\(7, 96, 128\)"):
        segmentation(small_result(found=[label_map(slices=7)]))
    nothing = replace(small_result().analysis, source=())
    with pytest.raises(StandardsError, match="without source instances"):
        segmentation(replace(small_result(), analysis=nothing))


def test_a_real_ct_keeps_its_patient_study_and_geometry(tmp_path: Path):
    folder = shared_data("ct_chest_a0001", "series_soft_kernel_B")
    instances = [dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    pixels = np.stack([instance.pixel_array for instance in instances])
    by_position = np.argsort([float(i.ImagePositionPatient[2]) for i in instances])
    air = (pixels[by_position] < 400).astype(np.uint8)
    result = small_result(instances, [LabelMap(air, (RIGHT,))])

    seg = _reread(result)
    path = tmp_path / "seg.dcm"
    path.write_bytes(part10(seg))

    np.testing.assert_array_equal(_voxels(seg, result), air)
    source = sorted(folder.glob("*.dcm"))
    assert judges.dciodvfy(path, source[0]) == []
    assert judges.dcentvfy([path], source) == []


def test_structures_that_could_be_mistaken_for_each_other_are_refused():
    with pytest.raises(StandardsError, match="the same name"):
        LabelMap(label_map().voxels, (RIGHT, RIGHT))
    with pytest.raises(StandardsError, match="65 characters"):
        replace(RIGHT, name="x" * 65)

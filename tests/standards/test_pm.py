"""Parametric maps: every voxel, its quantity and its unit, read back (SC-58, 68, 70, 73)."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from standards import codes
from standards.derived import part10
from standards.errors import SourceMismatch, StandardsError
from standards.pm import parametric_map
from standards.sr import report
from tests import judges
from tests.pictures import picture_result, radiograph
from tests.series import SLICES, ct_series, heat_map, small_result

AIR = codes.LOW_ATTENUATION_AREA.value
MAPS = (heat_map("Air", 100), heat_map("Fat"))


@pytest.fixture(scope="module")
def made() -> list[Dataset]:
    result = small_result(found=MAPS)
    return [parametric_map(result, one) for one in MAPS]


def _reread(dataset: Dataset) -> Dataset:
    return dcmread(BytesIO(part10(dataset)))


def _concept(item: Dataset) -> str:
    return item.ConceptNameCodeSequence[0].CodeValue


def test_every_voxel_comes_back_exactly_where_its_slice_lies(made):
    heights = {i.ImagePositionPatient[2]: k for k, i in enumerate(ct_series())}
    read = _reread(made[0])
    order = [
        heights[group.PlanePositionSequence[0].ImagePositionPatient[2]]
        for group in read.PerFrameFunctionalGroupsSequence
    ]

    assert sorted(order) == list(range(SLICES))  # OHIF fails where a slice is missing
    assert read.pixel_array.dtype == np.float32
    np.testing.assert_array_equal(read.pixel_array, MAPS[0].voxels[order])


def test_quantity_unit_and_range_are_told_and_shown(made):
    shared = _reread(made[1]).SharedFunctionalGroupsSequence[0]
    (mapping,), (window,) = shared.RealWorldValueMappingSequence, shared.FrameVOILUTSequence

    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "%"
    assert mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue == AIR
    first = mapping.DoubleFloatRealWorldValueFirstValueMapped
    assert (first, mapping.DoubleFloatRealWorldValueLastValueMapped) == (0, 100)
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1, 0)
    assert mapping.LUTLabel == "Fat"
    assert (window.WindowCenter, window.WindowWidth) == (50, 100)


def test_the_report_names_every_map_and_every_map_is_evidence(made):
    result = small_result(found=MAPS)
    sr = _reread(report(result, None, made))

    library = next(item for item in sr.ContentSequence if _concept(item) == "111028")
    _, derived = library.ContentSequence
    assert {_concept(item) for item in derived.ContentSequence} == {AIR}
    named = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in derived.ContentSequence
    }
    assert named == {one.SOPInstanceUID for one in made}
    evidence = {
        reference.ReferencedSOPInstanceUID
        for study in sr.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    }
    assert evidence >= named
    assert "reports no finding" not in str(sr)


def test_judges_have_no_complaint(made, tmp_path: Path):
    sources = [tmp_path / f"ct{number}.dcm" for number in range(SLICES)]
    for path, image in zip(sources, ct_series(), strict=True):
        path.write_bytes(part10(image))
    objects = [*made, report(small_result(found=MAPS), None, made)]
    paths = [tmp_path / f"{number}.dcm" for number in range(len(objects))]
    for path, dataset in zip(paths, objects, strict=True):
        path.write_bytes(part10(dataset))
        assert judges.dciodvfy(path, sources[0]) == []

    assert judges.dsrdump(paths[-1]) == []
    assert judges.dcentvfy(paths, sources) == []


def test_the_same_map_writes_the_same_bytes_and_two_maps_are_two_instances(made):
    again = parametric_map(small_result(found=MAPS), MAPS[0])

    assert part10(again) == part10(made[0])
    assert made[0].SOPInstanceUID != made[1].SOPInstanceUID
    assert made[0].SeriesDescription == "AI Lung CT heat map"


def test_a_map_of_another_size_or_of_images_without_a_place_is_refused():
    small = replace(MAPS[0], voxels=MAPS[0].voxels[:, :9])
    with pytest.raises(SourceMismatch):
        parametric_map(small_result(found=[small]), small)
    with pytest.raises(StandardsError, match="without FrameOfReferenceUID"):
        parametric_map(picture_result([radiograph()], [small]), small)

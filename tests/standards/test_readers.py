"""Segmentations and reports read back: what another program wrote, as findings."""

import numpy as np
import pytest
from pydicom import Dataset

from standards.findings import Caveat, Measurement
from standards.seg import segmentation
from standards.seg_reader import UnfitSegmentation, read_labels
from standards.sr import report
from standards.sr_reader import UnfitReport, read_report
from tests.series import label_map, measurements, small_result


@pytest.fixture
def seg() -> Dataset:
    return segmentation(small_result())


def test_a_segmentation_and_its_report_come_back_as_they_were_claimed(seg):
    result = small_result()
    images = result.analysis.source

    labels = read_labels([seg], images)
    found = read_report(report(result, seg), labels)

    np.testing.assert_array_equal(labels.label_map.voxels, label_map().voxels)
    named = [(one.name, one.type) for one in labels.label_map.structures]
    assert named == [(one.name, one.type) for one in label_map().structures]
    told = {(one.concept, one.label): one.value for one in found if isinstance(one, Measurement)}
    for one in measurements():
        assert told[one.concept, one.label] == one.rounded
    assert not [one for one in found if isinstance(one, Caveat)]


def test_drawings_without_a_segment_are_counted(seg):
    (caveat,) = [
        one for one in read_report(report(small_result(), seg), None) if isinstance(one, Caveat)
    ]
    assert caveat.text.startswith("2 drawing(s)")


def test_segments_that_overlap_are_no_label_map(seg):
    with pytest.raises(UnfitSegmentation, match="segments that overlap"):
        read_labels([seg, seg], small_result().analysis.source)


def test_a_segmentation_on_another_grid_is_refused(seg):
    images = small_result().analysis.source
    for image in images:
        image.ImagePositionPatient[2] += 2
    with pytest.raises(UnfitSegmentation, match=r"2\.0 mm beside"):
        read_labels([seg], images)
    for image in images:
        image.PixelSpacing = [3, 3]
    with pytest.raises(UnfitSegmentation, match="another PixelSpacing"):
        read_labels([seg], images)


def test_a_report_of_another_template_is_refused(seg):
    other = report(small_result(), seg)
    other.ConceptNameCodeSequence[0].CodeValue = "121181"
    with pytest.raises(UnfitReport, match="expected an Imaging Measurement Report"):
        read_report(other, None)

"""The committed sample: whole, small, licensed, and the same as its original."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless

from tests.shared_data import shared_data
from tools.make_sample import NotTheSame, compare, main

SAMPLE = Path(__file__).parents[2] / "samples" / "ct_chest"
STUDY = "1.3.6.1.4.1.14519.5.2.1.6655.2359.165554066086145834377508507990"


def test_the_sample_is_one_whole_series_of_evenly_spaced_slices():
    slices = [dcmread(file) for file in SAMPLE.glob("*.dcm")]
    assert len({instance.SOPInstanceUID for instance in slices}) == 64
    assert {instance.StudyInstanceUID for instance in slices} == {STUDY}
    assert len({instance.SeriesInstanceUID for instance in slices}) == 1
    assert {instance.file_meta.TransferSyntaxUID for instance in slices} == {JPEGLSLossless}
    heights = sorted(float(instance.ImagePositionPatient[2]) for instance in slices)
    np.testing.assert_allclose(np.diff(heights), 5.0)


def test_the_sample_is_small_and_carries_its_licence_and_attribution():
    assert sum(file.stat().st_size for file in SAMPLE.iterdir()) <= 15_000_000
    assert "Creative Commons Attribution 4.0" in (SAMPLE.parent / "LICENSE-ct_chest.txt").read_text(
        "utf-8"
    )
    readme = (SAMPLE.parent / "README.md").read_text("utf-8")
    assert "10.7937/TCIA.2020.NNC2-0461" in readme
    assert "What was changed" in readme


def test_every_slice_is_pixel_for_pixel_its_original():
    originals = shared_data("ct_chest_a0001", "series_soft_kernel_B")
    for file in sorted(originals.glob("*.dcm")):
        compare(dcmread(file), dcmread(SAMPLE / file.name), file.name)


def test_the_sample_is_what_its_script_makes_again(tmp_path):
    original = shared_data("ct_chest_a0001", "series_lung_kernel_L_part")
    assert main([str(original), str(tmp_path)]) == 0
    assert len(list(tmp_path.glob("*.dcm"))) == 6


def test_a_changed_pixel_or_attribute_is_noticed():
    instance, other = dcmread(SAMPLE / "1-01.dcm"), dcmread(SAMPLE / "1-02.dcm")
    with pytest.raises(NotTheSame, match="pixels differ"):
        compare(instance, other, "1-01.dcm")
    changed = dcmread(SAMPLE / "1-01.dcm")
    changed.PatientWeight = "70"
    with pytest.raises(NotTheSame, match="Patient's Weight"):
        compare(instance, changed, "1-01.dcm")

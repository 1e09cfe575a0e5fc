"""The model on a real chest CT, and on another maker's phantom."""

import json
import subprocess
import sys

import numpy as np
import pytest

from standards import codes
from tests.accuracy.lung_ct import dice, measured
from tests.ai_models.lungs import centre, findings_of, labels_of, volume_in
from tests.shared_data import shared_data


@pytest.fixture(scope="module")
def chest():
    volume = volume_in(shared_data("ct_chest_a0001", "series_soft_kernel_B"))
    return volume, findings_of(volume)


def test_both_lungs_of_a_real_patient_have_plausible_volumes(chest):
    _, findings = chest
    assert 2900 < measured(findings, codes.VOLUME, 1) < 3500
    assert 2000 < measured(findings, codes.VOLUME, 2) < 2600
    both = measured(findings, codes.VOLUME, None)
    assert both == pytest.approx(sum(measured(findings, codes.VOLUME, n) for n in (1, 2)))


def test_the_right_lung_lies_on_the_patients_right(chest):
    volume, findings = chest
    labels = labels_of(findings)
    right, left = centre(volume, labels == 1), centre(volume, labels == 2)
    assert right[0] < left[0] - 80


def test_density_of_a_real_patient_is_that_of_lung(chest):
    _, findings = chest
    assert -870 < measured(findings, codes.ATTENUATION_COEFFICIENT, None) < -750
    assert 0 <= measured(findings, codes.LOW_ATTENUATION_AREA, None) < 3
    assert -930 < measured(findings, codes.PERCENTILE_15, None) < -850


def test_the_trachea_of_a_real_patient_is_left_out(chest):
    """Trachea: dark, near the middle, in the highest 70 mm."""
    volume, findings = chest
    heights = np.array([float(header.ImagePositionPatient[2]) for header in volume.instances])
    upper = labels_of(findings)[heights > heights.max() - 70]
    dark = volume.voxels[heights > heights.max() - 70] < -960
    midst = np.s_[:, 220:330, 245:285]
    assert dark[midst].sum() > 500
    assert (upper[midst][dark[midst]] > 0).mean() < 0.02


def test_no_air_outside_the_patient_is_taken_for_lung(chest):
    volume, findings = chest
    inside = labels_of(findings) > 0
    rows = np.flatnonzero(inside.any(axis=(0, 2)))
    assert rows.min() > 150  # the skin of the chest is at row 140, that of the back at row 440
    assert rows.max() < 420
    assert (volume.voxels[inside] < -1000).mean() < 0.001


def test_the_mass_in_the_left_lung_is_left_out_but_its_lung_is_found(chest):
    volume, findings = chest
    boxes = shared_data("ct_chest_a0001", "tumour_boxes.csv").read_text().splitlines()[1:]
    slices = {str(header.SOPInstanceUID): n for n, header in enumerate(volume.instances)}
    labels = labels_of(findings)
    solid = []
    for line in boxes:
        kernel, _, uid, _, *corners = line.split(",")
        if kernel == "B":
            x0, y0, x1, y1 = map(int, corners)
            mass = np.s_[slices[uid], y0:y1, x0:x1]
            dense = volume.voxels[mass] > 0
            solid.append((labels[mass][dense] > 0).mean())
            assert (labels[slices[uid]] == 2).any()
    assert np.mean(solid) < 0.25


@pytest.mark.parametrize(
    "size", [["--quick"], ["--matrix", "256", "--slices", "60", "--thickness", "5"]]
)
def test_another_makers_phantom_is_measured_as_its_truth_says(size, tmp_path):
    maker = str(shared_data("make_phantom.py"))
    subprocess.run([sys.executable, maker, str(tmp_path), *size, "--jobs", "1"], check=True)
    truth = json.loads((tmp_path / "truth.json").read_text())
    drawn = np.load(tmp_path / "truth_labels.npz")
    volume = volume_in(tmp_path / "ct_soft")
    findings = findings_of(volume)

    lung = np.isin(drawn["labels"], (2, 3, 4, 5, 13))
    columns = np.arange(lung.shape[2]) * drawn["spacing_xyz_mm"][0]
    is_right = drawn["first_voxel_centre_mm"][0] + columns < 0
    for label, name, half in ((1, "right", is_right), (2, "left", ~is_right)):
        wanted = truth["lungs"]["as_written"][name]
        assert dice(labels_of(findings) == label, lung & half) >= 0.98
        volume_ml = measured(findings, codes.VOLUME, label)
        assert volume_ml == pytest.approx(wanted["volume_ml"], rel=0.03)
        share = 100 * wanted["laa950_ml"] / wanted["volume_ml"]
        found = measured(findings, codes.LOW_ATTENUATION_AREA, label)
        assert found == pytest.approx(share, abs=1.0)

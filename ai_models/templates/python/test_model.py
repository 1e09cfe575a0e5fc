"""Run with pytest in this folder."""

import numpy as np
import pytest
from model import Model

from ai_models.contract import Inputs, NoResult
from standards.findings import LabelMap, Measurement
from standards.volume import Volume


def inputs(voxels: np.ndarray) -> Inputs:
    """Voxels of 1 mm."""
    return Inputs({"image": Volume(voxels, np.eye(4), ())})


def test_what_is_dense_is_marked_and_measured():
    voxels = np.full((8, 16, 16), -1000, np.int16)
    voxels[2:4, 4:9, 4:14] = 700  # 100 voxels of 1 mm

    labels, volume, _ = Model().predict(inputs(voxels))

    assert isinstance(labels, LabelMap)
    assert isinstance(volume, Measurement)
    assert (labels.voxels == 1).sum() == 100
    assert volume.value == pytest.approx(0.1)


def test_a_volume_without_bone_has_no_result():
    with pytest.raises(NoResult):
        Model().predict(inputs(np.zeros((8, 16, 16), np.int16)))

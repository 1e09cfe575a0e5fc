"""The bundle that is trained here, on volumes that its training has not seen, by `airgate run`."""

from pathlib import Path

import numpy as np
import pydicom

from ai_models.card import Stage, read_card
from gateway.commands.run import run
from standards.derived import part10
from tests.series import ct_series
from tools import train_demo_unet

SIZE = train_demo_unet.SIZE
SEED = 2_000_000


def in_slices(volume: np.ndarray) -> np.ndarray:
    """Axes to the right, to the front and up -> slices upward, rows to the back, columns to the
    left.
    """
    return np.ascontiguousarray(volume[::-1, ::-1].transpose(2, 1, 0))


def write_series(folder: Path, hu: np.ndarray) -> list[Path]:
    """An axial CT, slice n at a height of 2 n mm."""
    stored = in_slices(hu + 1024).round().astype("<i2")
    paths = []
    for number, image in enumerate(ct_series(SIZE, SIZE, SIZE, SeriesDescription="generated")):
        image.PixelSpacing, image.SliceThickness = [2, 2], 2
        image.ImagePositionPatient = [0, 0, 2 * number]
        image.PixelData = stored[number].tobytes()
        paths.append(folder / f"{number}.dcm")
        paths[-1].write_bytes(part10(image))
    return paths


def marked(seg: pydicom.Dataset) -> np.ndarray:
    """bool, (slices, rows, columns)."""
    voxels = np.zeros((SIZE, SIZE, SIZE), bool)
    for frame, pixels in zip(seg.PerFrameFunctionalGroupsSequence, seg.pixel_array, strict=True):
        height = frame.PlanePositionSequence[0].ImagePositionPatient[2]
        voxels[round(height / 2)] = pixels > 0
    return voxels


def test_the_card_keeps_the_demonstration_from_patients():
    card = read_card(train_demo_unet.BUNDLE)
    assert card.stage is Stage.DRAFT
    assert card.inputs[0].description_includes == ("generated",)


def test_airgate_run_marks_the_ellipsoid_of_a_generated_volume(tmp_path):
    hu, ellipsoid = train_demo_unet.volume(SEED)
    paths = write_series(tmp_path, hu)

    assert run("demo_unet", paths, tmp_path / "out") == 0

    found = marked(pydicom.dcmread(tmp_path / "out" / "seg.dcm"))
    truth = in_slices(ellipsoid)
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.7
    assert pydicom.dcmread(tmp_path / "out" / "sr.dcm").Modality == "SR"

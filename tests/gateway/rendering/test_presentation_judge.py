"""Presentation states as DCMTK applies them: dcmp2pgm on the same image and the same state."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset

from tests.gateway.index_helper import written
from tests.gateway.rendering.example_images import eight_bits, image, item, lut, shown
from tests.gateway.rendering.example_states import state

pytestmark = pytest.mark.skipif(shutil.which("dcmp2pgm") is None, reason="DCMTK is not installed")

RAMP = np.tile(np.linspace(0, 4000, 128).astype("<u2"), (96, 1))
WINDOW = [item(WindowCenter=900, WindowWidth=1500)]
NO_RESCALE = {"RescaleSlope": None, "RescaleIntercept": None, "RescaleType": None}


def _image() -> Dataset:
    values = RAMP + np.arange(96, dtype="<u2")[:, None] * 3
    return image(
        Rows=96, Columns=128, BitsStored=12, HighBit=11, PixelData=values.astype("<u2").tobytes()
    )


def _of_judge(folder, ds: Dataset, presentation: Dataset) -> np.ndarray:
    (folder / "image.dcm").write_bytes(written(ds))
    (folder / "state.dcm").write_bytes(written(presentation))
    picture = folder / "picture.pgm"
    command = ["dcmp2pgm", "-p", folder / "state.dcm", folder / "image.dcm", picture]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert picture.exists(), told.stderr
    return np.asarray(Image.open(picture)).astype(int)


CASES = {
    "no window": {},
    "window": {"SoftcopyVOILUTSequence": WINDOW},
    "inverse": {"SoftcopyVOILUTSequence": WINDOW, "PresentationLUTShape": "INVERSE"},
    "no modality LUT": {"SoftcopyVOILUTSequence": WINDOW, **NO_RESCALE},
    "VOI LUT": {
        "SoftcopyVOILUTSequence": [
            item(VOILUTSequence=[lut(np.linspace(0, 1, 2000) ** 2 * 4095, -100, 12)])
        ]
    },
    "modality LUT": {
        "ModalityLUTSequence": [lut(np.linspace(60000, 100, 3000), 500)],
        **NO_RESCALE,
    },
    "modality LUT and window": {
        "ModalityLUTSequence": [lut(np.linspace(60000, 100, 3000), 500)],
        "SoftcopyVOILUTSequence": [item(WindowCenter=30000, WindowWidth=40000)],
        **NO_RESCALE,
    },
    "presentation LUT": {
        "SoftcopyVOILUTSequence": WINDOW,
        "PresentationLUTShape": None,
        "PresentationLUTSequence": [lut(np.linspace(0, 1, 4096) ** 2 * 65535)],
    },
    "turned by 90": {"SoftcopyVOILUTSequence": WINDOW, "ImageRotation": 90},
    "turned by 180": {"SoftcopyVOILUTSequence": WINDOW, "ImageRotation": 180},
    "turned by 270 and flipped": {
        "SoftcopyVOILUTSequence": WINDOW,
        "ImageRotation": 270,
        "ImageHorizontalFlip": "Y",
    },
}


@pytest.mark.parametrize("case", CASES)
def test_every_gray_value_is_that_of_the_judge_within_one(tmp_path, case):
    ds = _image()
    presentation = state(ds, **CASES[case])

    ours = shown(ds, state=presentation).astype(int)

    theirs = _of_judge(tmp_path, ds, presentation)
    np.testing.assert_allclose(ours, theirs, atol=1)


@pytest.mark.parametrize("shape", ["IDENTITY", "INVERSE"])
def test_the_polarity_of_a_monochrome1_image_is_that_of_the_judge(tmp_path, shape):
    ds = eight_bits(np.tile(np.arange(128), (64, 1)), PhotometricInterpretation="MONOCHROME1")
    presentation = state(ds, PresentationLUTShape=shape)

    ours = shown(ds, state=presentation).astype(int)

    np.testing.assert_allclose(ours, _of_judge(tmp_path, ds, presentation), atol=1)

"""Run the lung model on written files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom import dcmread

from ai_models.contract import Inputs, Model
from ai_models.lung_ct.model import LungCT
from standards.findings import Findings
from standards.volume import Volume, volume_of
from tests.phantom import Phantom


def volume_in(folder: Path) -> Volume:
    """The volume of all files of a folder."""
    return volume_of([dcmread(path) for path in sorted(folder.glob("*.dcm"))])


def findings_of(volume: Volume, model: Model | None = None) -> Findings:
    return Findings.of((model or LungCT()).predict(Inputs({"image": volume})))


def findings_on(phantom: Phantom, folder: Path, model: Model | None = None) -> Findings:
    """Write the phantom, read it back, and ask the model, lung_ct when none is given."""
    phantom.write(folder)
    return findings_of(volume_in(folder), model)


def labels_of(findings: Findings) -> np.ndarray:
    assert findings.label_map is not None
    return findings.label_map.voxels


def centre(volume: Volume, mask: np.ndarray) -> Sequence[float]:
    """The middle of a mask in patient coordinates, LPS, mm."""
    index = np.append(np.argwhere(mask).mean(axis=0), 1.0)
    return (volume.affine @ index)[:3].tolist()

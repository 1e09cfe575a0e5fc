"""Run the lung model on written files, and compare label maps with what is known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.sr.coding import Code

from ai_models.contract import Inputs
from ai_models.lung_ct.model import LungCT
from standards.findings import Findings
from standards.volume import Volume, volume_of
from tests.phantom import Phantom


def volume_in(folder: Path) -> Volume:
    """The volume of all files of a folder."""
    return volume_of([dcmread(path) for path in sorted(folder.glob("*.dcm"))])


def findings_of(volume: Volume) -> Findings:
    return Findings.of(LungCT().predict(Inputs({"image": volume})))


def findings_on(phantom: Phantom, folder: Path) -> Findings:
    """Write the phantom, read it back, and ask the model."""
    phantom.write(folder)
    return findings_of(volume_in(folder))


def labels_of(findings: Findings) -> np.ndarray:
    assert findings.label_map is not None
    return findings.label_map.voxels


def measured(findings: Findings, concept: Code, label: int | None) -> float:
    (value,) = (m.value for m in findings.measurements if m.concept == concept and m.label == label)
    return value


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    """Overlap of two masks: 1 where they are equal, 0 where they share nothing."""
    return 2.0 * float((found & truth).sum()) / float(found.sum() + truth.sum())


def centre(volume: Volume, mask: np.ndarray) -> Sequence[float]:
    """The middle of a mask in patient coordinates, LPS, mm."""
    index = np.append(np.argwhere(mask).mean(axis=0), 1.0)
    return (volume.affine @ index)[:3].tolist()

"""How far lung_ct is from what is known of a phantom."""

import numpy as np
from pydicom.sr.coding import Code

from ai_models.ct.shapes import parts_of
from standards import codes
from standards.findings import Findings
from tests.phantom import LungTruth, Phantom

WORST = {  # what the tests ask for
    "dice": 0.98,
    "volume": 0.02,
    "laa950": 1.0,
    "mean": 15.0,
    "airway": 0.2,
    "nodules": 0.8,
}


def measured(findings: Findings, concept: Code, label: int | None) -> float:
    (value,) = (m.value for m in findings.measurements if m.concept == concept and m.label == label)
    return value


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    """Overlap of two masks: 1 where they are equal, 0 where they share nothing."""
    return 2.0 * float((found & truth).sum()) / float(found.sum() + truth.sum())


def errors(phantom: Phantom, findings: Findings) -> dict[str, float]:
    """The worst of both lungs and of them together, by what WORST names.

    dice: smallest overlap; volume: relative; laa950: points; mean: HU; airway: share of trachea
    and main bronchi taken for lung; nodules: smallest share of one at the chest wall that is.
    """
    assert findings.label_map is not None
    labels, truth = findings.label_map.voxels, phantom.truth
    sides = [(1, truth.right), (2, truth.left), (None, truth.both)]
    off = [_off(findings, label, one) for label, one in sides if one is not None]
    numbered, count = parts_of(truth.nodules)
    kept = [float((labels[numbered == n + 1] > 0).mean()) for n in range(count)]
    return {
        "dice": min(dice(labels == label, truth.labels == label) for label in (1, 2)),
        **{name: max(one[name] for one in off) for name in off[0]},
        "airway": float((labels[truth.labels == 3] > 0).mean()),
        "nodules": min(kept, default=1.0),
    }


def _off(findings: Findings, label: int | None, truth: LungTruth) -> dict[str, float]:
    volume = measured(findings, codes.VOLUME, label)
    laa950 = measured(findings, codes.LOW_ATTENUATION_AREA, label)
    mean = measured(findings, codes.ATTENUATION_COEFFICIENT, label)
    return {
        "volume": abs(volume / truth.volume_ml - 1),
        "laa950": abs(laa950 - truth.laa950_percent),
        "mean": abs(mean - truth.mean_hu),
    }

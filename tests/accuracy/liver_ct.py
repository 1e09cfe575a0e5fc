"""How far liver_ct is from what is known of a phantom."""

from standards import codes
from standards.findings import Findings
from tests.phantom import Phantom
from tests.phantom_anatomy import LIVER_LABEL

WORST = {"mean": 2.0, "inside": 0.95}  # what the tests ask for


def errors(phantom: Phantom, findings: Findings, liver_hu: float) -> dict[str, float]:
    """mean: HU off the liver as it was drawn; inside: share of the part measured that is liver."""
    assert findings.label_map is not None
    part = findings.label_map.voxels > 0
    (mean,) = (m.value for m in findings.measurements if m.derivation == codes.MEAN)
    return {
        "mean": abs(mean - liver_hu),
        "inside": float((phantom.truth.labels[part] == LIVER_LABEL).mean()),
    }

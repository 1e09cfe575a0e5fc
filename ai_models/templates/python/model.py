"""What the gateway calls: a volume in, findings out. No DICOM is needed here."""

import numpy as np
from pydicom.sr.coding import Code

from ai_models.contract import NoResult
from standards import codes
from standards.findings import Finding, KeyImage, LabelMap, Measurement, Structure

BONE = Code("272673000", "SCT", "Bone")


class Model:
    """Load weights in __init__, so that it is done once: Path(__file__).with_name("weights.pt")."""

    def predict(self, inputs) -> list[Finding]:
        volume = inputs.volume  # voxels: (slices, rows, columns) in HU; affine in mm, LPS
        if volume.voxels.max() < 300:
            raise NoResult("densest voxel", f"{volume.voxels.max()} HU", "300 HU or more")
        mask = (volume.voxels > 300).astype(np.uint8)  # 0 background, 1 the first structure
        millilitres = float(mask.sum()) * volume.voxel_ml
        bone = Structure("Bone", codes.ANATOMICAL_STRUCTURE, BONE, (240, 220, 180))
        return [
            LabelMap(mask, (bone,)),
            Measurement(codes.VOLUME, millilitres, codes.MILLILITRE, site=BONE, label=1),
            KeyImage(int(mask.sum(axis=(1, 2)).argmax()), window_center=400, window_width=1800),
        ]

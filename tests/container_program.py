"""What runs in containers of tests: python container_program.py WHAT

It marks what is above $THRESHOLD HU, as somebody else's program would: `dicom` writes a
Segmentation and a report, `foreign` the same of another study, `tensors` NIfTI and JSON.
"""

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import nibabel
import numpy as np
from pydicom import Dataset, dcmread

from standards import codes
from standards.analysis import Analysis, Result
from standards.derived import part10
from standards.findings import Classification, Findings, LabelMap, Measurement, Structure
from standards.identity import Algorithm, Equipment
from standards.seg import segmentation
from standards.sr import report
from standards.volume import Volume, volume_of

DENSE = Structure("Dense", codes.ANATOMICAL_STRUCTURE, codes.LUNG, (10, 200, 30))
ALGORITHM = Algorithm("Other", "9", "Somebody", "cd" * 32)
EQUIPMENT = Equipment("Somebody", "Box", "serial", "1")
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def main(what: str) -> None:
    into = Path(os.environ["HOLOSCAN_INPUT_PATH"])
    out = Path(os.environ["HOLOSCAN_OUTPUT_PATH"])
    files = sorted(into.rglob("*.dcm"))
    print(f"looking at {len(files)} files")
    volume = volume_of(map(dcmread, files))
    mask = (volume.voxels > float(os.environ["THRESHOLD"])).astype(np.uint8)
    if what == "tensors":
        write_tensors(mask, volume.affine, out)
        return
    if what == "foreign":
        for image in volume.instances:
            image.StudyInstanceUID = "1.2.3"
    write_dicom(result_of(mask, volume), out)


def result_of(mask: np.ndarray, volume: Volume) -> Result:
    findings = [
        LabelMap(mask, (DENSE,)),
        Measurement(
            codes.VOLUME, float(mask.sum()) * volume.voxel_ml, codes.MILLILITRE, codes.LUNG, 1
        ),
        Classification(codes.LUNG, codes.PRESENT, 0.75),
    ]
    images: Sequence[Dataset] = volume.instances
    about = Analysis(ALGORITHM, EQUIPMENT, tuple(images), datetime.now(UTC))
    return Result(about, Findings.of(findings))


def write_dicom(result: Result, out: Path) -> None:
    seg = segmentation(result)
    (out / "deeper").mkdir()
    (out / "seg.dcm").write_bytes(part10(seg))
    (out / "deeper" / "sr.dcm").write_bytes(part10(report(result, seg)))


def write_tensors(mask: np.ndarray, affine: np.ndarray, out: Path) -> None:
    """A label map as NIfTI, whose rows go the other way than the input's, and one number."""
    flip = np.eye(4)
    flip[1, 1], flip[1, 3] = -1, mask.shape[1] - 1
    image = nibabel.Nifti1Image(np.flip(mask, axis=1), TO_RAS @ affine @ flip)
    nibabel.save(image, out / "dense.nii.gz")
    (out / "share.json").write_text(json.dumps([0.125]))


if __name__ == "__main__":
    main(sys.argv[1])

"""Files that the card explains in [[outputs]] -> findings, as the tensors of a network.

NIfTI lies where its own affine says; arrays and lists lie on the grid of the input.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor

from adapters.runtimes.containers.errors import FileNotUnderstood, FileNotWritten
from adapters.runtimes.containers.results import Written
from adapters.runtimes.grid import image_of
from adapters.runtimes.tensor_model import Answer
from ai_models.card.outputs import Output
from ai_models.tensor_regions import InVolume
from standards.findings import Finding
from standards.volume import Volume

# The array of a file, and its affine to RAS in mm where it has one.
_Read = tuple[np.ndarray, np.ndarray | None]


def tensor_findings(
    written: Written, outputs: Sequence[Output], files: Sequence[str], volume: Volume
) -> list[Finding]:
    """files: one for each tensor of the outputs. Raises FileNotWritten, FileNotUnderstood, and
    what the tensors of a network may raise (ai_models/tensor_errors.py).
    """
    source = image_of(volume, torch.device("cpu"))
    findings: list[Finding] = []
    names = iter(files)
    for place, output in enumerate(outputs, start=1):
        read = [_array(written, name) for name in islice(names, len(output.names))]
        tensors = [torch.from_numpy(np.ascontiguousarray(one, np.float32)) for one, _ in read]
        prepared = source
        if (affine := read[0][1]) is not None:
            prepared = MetaTensor(tensors[0][:1], affine=torch.as_tensor(affine))
        findings += Answer(InVolume(volume), source, prepared).findings(output, tensors, place)
    return findings


def _array(written: Written, name: str) -> _Read:
    if name not in map(str, written.files):
        raise FileNotWritten(name)
    suffix = next(one for one in READERS if name.endswith(one))
    try:
        return READERS[suffix](written.folder / name)
    except Exception as error:  # bytes from anywhere: whatever they bring
        found = f"what cannot be read ({type(error).__name__})"
        raise FileNotUnderstood(name, found, f"numbers in a {suffix} file") from error


def _nifti(path: Path) -> _Read:
    """(a, b, c) or (a, b, c, channels) -> channels first."""
    import nibabel  # noqa: PLC0415 (where it is wanted alone)

    image = nibabel.load(path)
    values = np.asarray(image.dataobj, np.float32)  # pyright: ignore
    values = values[None] if values.ndim == 3 else np.moveaxis(values, -1, 0)
    return values, image.affine  # pyright: ignore


def _npy(path: Path) -> _Read:
    return np.load(path, allow_pickle=False), None


def _npz(path: Path) -> _Read:
    """The only array in it."""
    with np.load(path, allow_pickle=False) as arrays:
        (name,) = arrays.files
        return arrays[name], None


def _json(path: Path) -> _Read:
    return np.atleast_1d(np.array(json.loads(path.read_bytes()), np.float32)), None


READERS: Mapping[str, Callable[[Path], _Read]] = {
    ".nii": _nifti,
    ".nii.gz": _nifti,
    ".npy": _npy,
    ".npz": _npz,
    ".json": _json,
}

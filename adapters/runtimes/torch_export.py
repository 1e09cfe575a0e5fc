"""An exported program (`torch.export.save`, .pt2)."""

import zipfile
from pathlib import Path

import torch
from torch.export.passes import move_to_device_pass
from torch.export.pt2_archive.constants import OPAQUE_OBJ_FILENAME_PREFIX

from adapters.runtimes import pickles
from adapters.runtimes.execution import device_for
from adapters.runtimes.pickles import PickledCode
from adapters.runtimes.tensor_model import TensorModel, file_in
from ai_models.card import ModelCard
from ai_models.card.runtime import TorchExport


def load(card: ModelCard, folder: Path | None) -> TensorModel:
    """Raises MissingFile, PickledCode, and what torch raises for a file that is none."""
    assert isinstance(card.runtime, TorchExport)  # noqa: S101 (as the table of loaders has it)
    device = device_for(card.resources)
    file = file_in(folder, card.runtime.file)
    if not pickles.are_allowed():
        _check(file)
    program = torch.export.load(str(file))
    return TensorModel(card, move_to_device_pass(program, device).module(), device)


def _check(file: Path) -> None:
    """Raises PickledCode for what torch reads by pickle itself, past its own switches."""
    with zipfile.ZipFile(file) as archive:
        if any(OPAQUE_OBJ_FILENAME_PREFIX in name for name in archive.namelist()):
            raise PickledCode(file.name, "a program whose constants are all tensors")

"""An exported program (`torch.export.save`, .pt2)."""

from pathlib import Path

import torch
from torch.export.passes import move_to_device_pass

from adapters.runtimes.execution import device_for
from adapters.runtimes.tensor_model import TensorModel, file_in
from ai_models.card import ModelCard
from ai_models.card.runtime import TorchExport


def load(card: ModelCard, folder: Path | None) -> TensorModel:
    """Raises MissingFile, and what torch raises for a file that is none."""
    assert isinstance(card.runtime, TorchExport)  # noqa: S101 (as the table of loaders has it)
    device = device_for(card.resources)
    program = torch.export.load(str(file_in(folder, card.runtime.file)))
    return TensorModel(card, move_to_device_pass(program, device).module(), device)

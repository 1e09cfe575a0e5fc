"""A Python class, made without arguments."""

from pathlib import Path

from adapters.runtimes.entry import model_at
from ai_models.card import ModelCard
from ai_models.card.runtime import Python
from ai_models.contract import Model


def load(card: ModelCard, folder: Path | None) -> Model:
    """As `entry.model_at`."""
    assert isinstance(card.runtime, Python)  # noqa: S101 (as the table of loaders has it)
    return model_at(card.runtime.entry, folder)

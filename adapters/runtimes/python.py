"""A Python class, made without arguments."""

import importlib
import sys
from pathlib import Path

from ai_models.card import ModelCard
from ai_models.card.runtime import Python
from ai_models.contract import Model


def load(card: ModelCard, folder: Path | None) -> Model:
    """Import module:Class and make the model. Raises TypeError when it is none.

    folder: where its modules lie; None where they are this installation's.
    """
    assert isinstance(card.runtime, Python)  # noqa: S101 (as the table of loaders has it)
    if folder:
        sys.path.insert(0, str(folder))
    module, _, name = card.runtime.entry.partition(":")
    model = getattr(importlib.import_module(module), name)()
    if not callable(getattr(model, "predict", None)):
        raise TypeError(f"{name} has no method predict(inputs)")
    return model

"""The class of a Python model, by its name."""

import importlib
import pickle
import sys
from pathlib import Path

from adapters.runtimes.pickles import PickledCode
from ai_models.contract import Model


def model_at(entry: str, folder: Path | None) -> Model:
    """Import module:Class and make the model. Raises TypeError when it is none, and PickledCode.

    folder: where its modules lie; None where they are this installation's.
    """
    if folder:
        sys.path.insert(0, str(folder))
    module, _, name = entry.partition(":")
    try:
        model = getattr(importlib.import_module(module), name)()
    except pickle.UnpicklingError as error:
        raise PickledCode("what the class loads", "weights that hold nothing else") from error
    if not callable(getattr(model, "predict", None)):
        raise TypeError(f"{name} has no method predict(inputs)")
    return model

"""A model is loaded once before it is registered: a bad one is refused there and then."""

import tempfile
from dataclasses import replace
from pathlib import Path

from adapters.runtimes.errors import ModelUnusable
from adapters.runtimes.kept_process import Surroundings
from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import ModelProcess

_NO_DEVICE = ""  # as CUDA_VISIBLE_DEVICES has it


def needs_pickles(model: Loadable, surroundings: Surroundings, *, allowed: bool) -> bool:
    """Load it in a process of its own; whether it takes the pickled code that it brought.

    allowed: whether that is tried where it cannot be loaded without. Raises ModelError.

    Without a GPU, whatever its card says: those of this machine are its workers' to give.
    """
    with tempfile.TemporaryDirectory() as printed:
        process = ModelProcess(replace(surroundings, device=_NO_DEVICE, output=Path(printed)))
        try:
            process.warm_up(model)
        except ModelUnusable:
            if not allowed:
                raise
            process.warm_up(replace(model, pickles=True))
            return True
        finally:
            process.stop()
    return False

"""From a card to the model that it describes, inside the model's own process."""

import importlib
from dataclasses import dataclass
from pathlib import Path

from adapters.runtimes.own_environment import ModelInEnvironment
from ai_models.card import ModelCard
from ai_models.card.runtime import Python
from ai_models.contract import Model

# Kind of runtime -> module with load(card, folder) -> Model. Each is imported when it is needed:
# what one kind of model stands on is not on every machine.
LOADERS = {
    "python": "adapters.runtimes.python",
    "torchscript": "adapters.runtimes.torchscript",
    "torch-export": "adapters.runtimes.torch_export",
    "onnx": "adapters.runtimes.onnx",
    "monai-bundle": "adapters.runtimes.monai_bundle",
    "kserve": "adapters.runtimes.kserve",
    "container": "adapters.runtimes.containers.model",
}


@dataclass(frozen=True)
class Loadable:
    """What a model is loaded from.

    folder: its files (an unpacked archive, a model's folder); None where the card says it all.
    python: the interpreter of its own environment; None where it needs none.
    build: the digest of what is loaded, where it is known.
    pickles: whether what is loaded may hold pickled code (adapters/runtimes/pickles.py).
    """

    card: ModelCard
    folder: Path | None = None
    python: Path | None = None
    build: str = ""
    pickles: bool = False


class NotRunHere(Exception):
    """No loader for this kind of runtime."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"no worker runs models of kind {kind}; expected {', '.join(LOADERS)}")


class NoEnvironment(Exception):
    """The packages that a card asks for were not installed for it."""

    def __init__(self, requirements: tuple[str, ...]) -> None:
        self.requirements = requirements
        super().__init__(
            f"the card asks for {', '.join(requirements)}, but no environment was made with them; "
            "expected one: register the model, or try it with `airgate run`"
        )


def load(model: Loadable) -> Model:
    """Raises NotRunHere, NoEnvironment, and whatever a foreign artefact raises when loaded."""
    kind = model.card.runtime.kind
    if kind not in LOADERS:
        raise NotRunHere(kind)
    if isinstance(model.card.runtime, Python) and model.card.runtime.requirements:
        if model.python is None:
            raise NoEnvironment(model.card.runtime.requirements)
        return ModelInEnvironment(model.python, model.card.runtime.entry, model.folder)
    return importlib.import_module(LOADERS[kind]).load(model.card, model.folder)

"""Pickled code in what a model brings: it runs when it is read, so it is refused unless an operator
allows it.

A model's process is told by PyTorch's own switches, which count for each torch.load in it, its own
code's too.
"""

import os
from collections.abc import Mapping

_REFUSED, _ALLOWED = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
SWITCHES = frozenset({_REFUSED, _ALLOWED})


class PickledCode(Exception):
    """What would run code when it is read. name: of the file. expected: what it should hold."""

    def __init__(self, name: str, expected: str) -> None:
        self.name, self.expected = name, expected
        super().__init__(
            f"{name} is more than plain tensors, so that reading it may run code; expected "
            f"{expected}, or an operator who allows pickled code (AIRGATE_ALLOW_PICKLES)"
        )


def environment(*, allowed: bool) -> Mapping[str, str]:
    """What tells a model's process."""
    return {_ALLOWED if allowed else _REFUSED: "1"}


def are_allowed() -> bool:
    """Whether this process was told so."""
    return os.environ.get(_ALLOWED) == "1"

"""What a model's process may say to its worker. It is not trusted.

Messages are pickles, the quick way for arrays, but no code comes with them: nothing is loaded but
arrays and the values of `standards`.
"""

import importlib
import io
import pickle
from typing import Any

from adapters.runtimes.errors import ModelGarbled
from standards.findings import Findings

# Kind of message -> the types of what follows.
FORMS: dict[str, tuple[type, ...]] = {
    "ready": (),
    "unusable": (str,),
    "progress": (int,),
    # findings, seconds of loading and predicting; bytes: peak, at rest, peak of GPU memory
    "findings": (Findings, float, float, int, int, int),
    "away": (str, str),
    "no_result": (str, str, str),
    "refused": (str, str, str),
    "failed": (str, str),
    "no_gpu_memory": (),
}

_OTHERS = {
    ("standards.findings", "_from_runs"),  # how a LabelMap comes
    ("pydicom.sr.coding", "Code"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) in _OTHERS:
            return super().find_class(module_name, global_name)
        if module_name.startswith("standards.") and "." not in global_name:
            found = getattr(importlib.import_module(module_name), global_name, None)
            if isinstance(found, type) and found.__module__ == module_name:
                return found
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is no value of a finding")


def written(message: tuple[Any, ...]) -> bytes:
    """Raises what pickling raises."""
    return pickle.dumps(message, protocol=5)


def read(content: bytes) -> tuple[Any, ...]:
    """Raises ModelGarbled."""
    try:
        message = _Unpickler(io.BytesIO(content)).load()
    except Exception as error:  # bytes from anywhere: whatever they bring
        raise ModelGarbled(type(error).__name__) from error
    kind, *rest = message if isinstance(message, tuple) and message else ("",)
    form = FORMS.get(kind) if isinstance(kind, str) else None
    if form is None or list(map(type, rest)) != list(form):
        raise ModelGarbled("a message of no known form")
    return message

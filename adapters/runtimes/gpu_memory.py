"""How much of a GPU's memory this process may take, and when that was not enough."""

import importlib.util

from adapters.runtimes.devices import Devices, nvidia_devices
from ai_models.card import Resources

_CALLED = "OutOfMemoryError"


def hold_to(resources: Resources, devices: Devices = nvidia_devices) -> None:
    """Let PyTorch give out no more than the card says; what CUDA itself takes comes on top.

    devices: those that this process sees.

    To be called before the model is loaded.
    """
    limit = resources.gpu_memory_mb << 20
    if resources.device != "cuda" or not limit or not devices():
        return
    if importlib.util.find_spec("torch") is None:
        return
    import torch  # noqa: PLC0415 (other models go without it)

    if torch.cuda.is_available():
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total))


def was_too_little(error: BaseException | None) -> bool:
    """Whether an error, or what it came of, tells of a GPU without memory: of PyTorch, CuPy, or one
    of them in an environment of its own.
    """
    while error is not None:
        if _CALLED in (type(error).__name__, getattr(error, "kind", None)):
            return True
        error = error.__cause__ or error.__context__
    return False

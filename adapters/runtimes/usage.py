"""How much memory this process takes, told by the model's process of itself."""

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc/self")


@dataclass(frozen=True)
class Memory:
    """Bytes. peak: during one run. at_rest: after it. gpu: the peak on the GPU, its cache too."""

    peak: int
    at_rest: int
    gpu: int


UNKNOWN = Memory(0, 0, 0)


def begin() -> None:
    """Let the peaks begin anew."""
    with contextlib.suppress(OSError):  # some kernels have no such file: the peak of all runs then
        (_PROC / "clear_refs").write_text("5")  # proc(5): resets VmHWM
    if cuda := _cuda():
        cuda.reset_peak_memory_stats()


def measured(elsewhere: int = 0) -> Memory:
    """Since `begin`. elsewhere: bytes that others took for it meanwhile."""
    status = dict(line.split(":", 1) for line in (_PROC / "status").read_text().splitlines())
    peak, at_rest = (int(status[name].split()[0]) << 10 for name in ("VmHWM", "VmRSS"))
    cuda = _cuda()
    return Memory(peak + elsewhere, at_rest, int(cuda.max_memory_reserved()) if cuda else 0)


def _cuda():
    """torch.cuda where a model uses it; importing torch here would cost those that do not."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None

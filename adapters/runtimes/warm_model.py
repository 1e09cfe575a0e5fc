"""One process of the pool, and what it takes."""

import time
from dataclasses import dataclass, field

from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import ModelProcess
from adapters.runtimes.usage import Memory


@dataclass
class WarmModel:
    """memory: what it takes at work, and at rest. device: its GPU. gpu_held: bytes of that which
    it took by its last run, and keeps.
    """

    model: Loadable
    process: ModelProcess
    memory: Memory
    device: str | None
    gpu_held: int = 0
    is_busy: bool = True
    used_at: float = field(default_factory=time.monotonic)

    @property
    def taken(self) -> int:
        return self.memory.peak if self.is_busy else self.memory.at_rest

    @property
    def gpu_to_come(self) -> int:
        """Bytes that it was promised and, as far as is known, has not taken yet."""
        return max(0, self.memory.gpu - self.gpu_held) if self.is_busy else 0

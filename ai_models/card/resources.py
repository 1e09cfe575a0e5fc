"""`[resources]`: what a model needs."""

from enum import StrEnum

from pydantic import Field

from ai_models.card.strict import Strict


class Priority(StrEnum):
    """Scheduled Procedure Step Priority (0074,1200), PS3.3 C.30.3."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class Resources(Strict):
    device: str = Field(default="cpu", pattern="^(cpu|cuda)$")
    memory_mb: int = Field(default=2048, ge=64)
    gpu_memory_mb: int = Field(default=0, ge=0, description="of a model on `cuda`")
    threads: int | None = Field(
        default=None, ge=1, le=256, description="of the CPU; unset = as many as torch chooses"
    )
    autocast: bool = Field(default=False, description="half precision where that is safe")
    channels_last: bool = Field(default=False, description="memory format of convolutions")
    timeout_seconds: float = Field(default=600, gt=0)
    network: bool = Field(
        default=False, description="whether it needs the network; without, it has none"
    )
    retries: int = Field(
        default=1, ge=0, le=3, description="how often work is tried again whose model failed"
    )
    priority: Priority = Field(
        default=Priority.MEDIUM, description="of workitems whose routing rule names none"
    )
    concurrency: int | None = Field(
        default=None,
        ge=1,
        description="workitems of this version that the workers of all machines together perform "
        "at once; unset = as many as there are workers",
    )

    @property
    def queue(self) -> str:
        """Which workers may perform it: those that serve this kind of device."""
        return "gpu" if self.device == "cuda" else "cpu"

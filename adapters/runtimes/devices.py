"""The GPUs of this machine, and what is free on them, without torch in this process."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_QUERY = ("--query-gpu=index,uuid,memory.free,memory.total", "--format=csv,noheader,nounits")
_SECONDS = 20.0


@dataclass(frozen=True)
class Device:
    """name: as CUDA_VISIBLE_DEVICES has it. free, total: bytes."""

    name: str
    free: int
    total: int


Devices = Callable[[], Sequence[Device]]


def nvidia_devices() -> list[Device]:
    """As nvidia-smi tells, those that CUDA_VISIBLE_DEVICES leaves us; none where there is none."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    answer = subprocess.run(
        [command, *_QUERY], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    return read_devices(answer.stdout, os.environ.get("CUDA_VISIBLE_DEVICES"))


def read_devices(told: str, visible: str | None) -> list[Device]:
    """told: lines of index, UUID, MiB free, MiB in all; what is none of them is passed over."""
    devices = []
    wanted = None if visible is None else [name.strip() for name in visible.split(",")]
    for line in told.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 4 or not (fields[2].isdigit() and fields[3].isdigit()):
            continue
        index, uuid, free, total = fields
        if wanted is None or index in wanted or uuid in wanted:
            devices.append(Device(uuid, int(free) << 20, int(total) << 20))
    return devices

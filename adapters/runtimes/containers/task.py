"""One run of a container, as every engine is told of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from adapters.runtimes.containers.map_layout import Layout

MOST_PROCESSES = 1024  # threads count too: a network has as many as the machine has cores, twice
NOBODY = 65534  # who runs in the container where we are root
Watch = Callable[[], None]


@dataclass(frozen=True)
class Task:
    """model: for people who list containers. inputs, outputs: folders of this machine.

    seconds: limit of an engine that keeps time itself, should nobody be left to end the run.
    cpus: None = all. gpu: as CUDA_VISIBLE_DEVICES has it, None = none. user: ids of user and group.
    """

    name: str
    model: str
    image: str
    layout: Layout
    inputs: Path
    outputs: Path
    memory_mb: int
    seconds: float
    cpus: int | None = None
    gpu: str | None = None
    network: bool = False
    user: tuple[int, int] = (NOBODY, NOBODY)


class Engine(Protocol):
    """Docker, Podman, Kubernetes."""

    def prepare(self, image: str) -> Mapping[str, bytes]:
        """See that the image is there; the manifests in it, by their names, if it tells.

        Raises ModelServerAway, ImageNotHere.
        """
        ...

    def run(self, task: Task, watch: Watch) -> int:
        """Until it ends by itself: its exit code. What it prints is printed.

        watch: called about once a second; what it raises is raised once the container is gone.
        Raises ModelServerAway, and ContainerError where it could not run.
        """
        ...

    def remove(self, name: str) -> None:
        """Kill and forget a container, also one that is not there."""
        ...

    def names(self) -> list[str]:
        """Of containers that may be ours, whatever they are doing."""
        ...

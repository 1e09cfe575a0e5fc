"""What Docker's and Podman's commands are told; pure functions.

A container sees its two folders and nothing else: no network, nothing else to write to but /tmp in
memory, no capability, no new privilege, no way to use more than its card says.
"""

from collections.abc import Iterator
from pathlib import Path

from adapters.runtimes.containers.task import MOST_PROCESSES, NOBODY, Task

DOCKER, PODMAN = "docker", "podman"
LABEL = "org.airgate.model"
_CLOSED = (
    *("--rm", "--pull", "never", "--read-only"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--ulimit", "nofile=4096:4096", "--ulimit", "core=0:0"),
    *("--log-driver", "none"),  # the engine would keep what it prints, without a limit
)


def run_arguments(engine: str, task: Task) -> list[str]:
    """engine: DOCKER or PODMAN."""
    command = task.layout.command
    entry = ["--entrypoint", command[0]] if command else []
    return [
        "run",
        *("--name", task.name, "--label", f"{LABEL}={task.model}"),
        *_CLOSED,
        *(() if task.network else ("--network", "none")),
        *_limits(task),
        *_user(engine, task),
        *_gpu(engine, task.gpu),
        *("--mount", _bind(task.inputs, str(task.layout.input)) + ",readonly"),
        *("--mount", _bind(task.outputs, str(task.layout.output))),
        *("--workdir", str(task.layout.working_directory)),
        *_variables(task),
        *entry,
        task.image,
        *command[1:],
    ]


def removal_arguments(engine: str, name: str) -> list[str]:
    at_once = ["--ignore", "--time", "0"] if engine == PODMAN else []
    return ["rm", "--force", *at_once, name]


def _limits(task: Task) -> list[str]:
    memory = f"{task.memory_mb}m"
    cpus = [] if task.cpus is None else ["--cpus", str(task.cpus)]
    return [
        *("--memory", memory, "--memory-swap", memory),  # the same: no swap
        *("--shm-size", str(task.layout.shared_memory)),
        *("--tmpfs", f"/tmp:rw,nosuid,nodev,mode=1777,size={memory}"),  # noqa: S108 (inside)
        *("--pids-limit", str(MOST_PROCESSES)),
        *cpus,
    ]


def _user(engine: str, task: Task) -> list[str]:
    user, group = task.user
    # Podman without root: the user inside would be another one outside, who may not read.
    same = ["--userns", "keep-id"] if engine == PODMAN and user != NOBODY else []
    return [*same, "--user", f"{user}:{group}"]


def _gpu(engine: str, gpu: str | None) -> list[str]:
    """By the Container Device Interface where the engine has it."""
    if gpu is None:
        return []
    if engine == PODMAN:
        return [one for name in gpu.split(",") for one in ("--device", f"nvidia.com/gpu={name}")]
    return ["--gpus", f'"device={gpu}"']  # quoted, since it may have commas


def _bind(source: Path, target: str) -> str:
    return f"type=bind,source={source},target={target}"


def _variables(task: Task) -> Iterator[str]:
    for name, value in task.layout.variables().items():
        yield from ("--env", f"{name}={value}")

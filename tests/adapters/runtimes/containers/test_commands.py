"""What Docker and Podman are told, word by word; and whether Docker's own command takes it."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from adapters.runtimes.containers.command import (
    DOCKER,
    PODMAN,
    removal_arguments,
    run_arguments,
)
from adapters.runtimes.containers.map_layout import Layout
from adapters.runtimes.containers.task import Task
from tests.container_engine import IMAGE

LAYOUT = Layout(
    PurePosixPath("/var/monai"),
    PurePosixPath("/var/monai/input"),
    PurePosixPath("/var/monai/output"),
    ("python3", "/opt/app", "-x"),
    {"A": "b c"},
)
TASK = Task(
    name="airgate-0-1-2",
    model="spleen-1.0",
    image=IMAGE,
    layout=LAYOUT,
    inputs=Path("/private/in"),
    outputs=Path("/private/out"),
    memory_mb=4096,
    seconds=600,
    cpus=2,
)


def test_a_container_is_closed_in_on_all_sides():
    assert run_arguments(DOCKER, TASK) == [
        *("run", "--name", "airgate-0-1-2", "--label", "org.airgate.model=spleen-1.0"),
        *("--rm", "--pull", "never", "--read-only"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--ulimit", "nofile=4096:4096", "--ulimit", "core=0:0", "--log-driver", "none"),
        *("--network", "none"),
        *("--memory", "4096m", "--memory-swap", "4096m", "--shm-size", "67108864"),
        *("--tmpfs", "/tmp:rw,nosuid,nodev,mode=1777,size=4096m"),  # noqa: S108
        *("--pids-limit", "1024", "--cpus", "2"),
        *("--user", "65534:65534"),
        *("--mount", "type=bind,source=/private/in,target=/var/monai/input,readonly"),
        *("--mount", "type=bind,source=/private/out,target=/var/monai/output"),
        *("--workdir", "/var/monai", "--env", "HOME=/tmp", "--env", "A=b c"),
        *("--env", "HOLOSCAN_INPUT_PATH=/var/monai/input"),
        *("--env", "MONAI_INPUTPATH=/var/monai/input"),
        *("--env", "HOLOSCAN_OUTPUT_PATH=/var/monai/output"),
        *("--env", "MONAI_OUTPUTPATH=/var/monai/output"),
        *("--entrypoint", "python3", IMAGE, "/opt/app", "-x"),
    ]


def test_an_image_without_a_command_runs_its_own():
    told = run_arguments(DOCKER, replace(TASK, layout=replace(LAYOUT, command=()), cpus=None))

    assert told[-1] == IMAGE
    assert not {"--entrypoint", "--cpus"} & set(told)


def test_a_network_is_there_for_those_whose_card_asks_for_it():
    assert "--network" not in run_arguments(DOCKER, replace(TASK, network=True))


def test_each_engine_gives_a_gpu_and_a_user_in_its_own_way():
    wanted = replace(TASK, gpu="GPU-1,GPU-2", user=(1000, 1000))

    docker, podman = run_arguments(DOCKER, wanted), run_arguments(PODMAN, wanted)

    assert docker[docker.index("--gpus") + 1] == '"device=GPU-1,GPU-2"'
    assert podman.count("--device") == 2
    assert "nvidia.com/gpu=GPU-2" in podman
    assert podman[podman.index("--userns") : podman.index("--userns") + 4] == [
        *("--userns", "keep-id", "--user", "1000:1000"),
    ]
    assert "--userns" not in docker


@pytest.mark.skipif(shutil.which("docker") is None, reason="Docker's command is not here")
def test_dockers_own_command_takes_every_option():
    """Its server is none, so that all it can do is to read them."""
    nowhere = ["docker", "--host", "unix:///nowhere.sock"]
    for arguments in (
        run_arguments(DOCKER, replace(TASK, gpu="GPU-1")),
        removal_arguments(DOCKER, TASK.name),
        ["create", "--name", "a", "--network", "none", IMAGE, "true"],
        ["ps", "--all", "--filter", "name=^airgate-", "--format", "{{.Names}}"],
    ):
        done = subprocess.run([*nowhere, *arguments], capture_output=True, text=True, check=False)
        assert "daemon" in done.stderr, done.stderr
        assert "unknown" not in done.stderr

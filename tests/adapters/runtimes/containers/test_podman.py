"""A real container, by Podman: an image of one static program, made here, closed in for true.

Skipped where Podman, runc, busybox or the right to run them is not there.
"""

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from adapters.runtimes.errors import ModelFailed, ModelTimedOut
from adapters.runtimes.kept_process import Surroundings
from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import ModelProcess
from standards import codes
from standards.derived import part10
from tests import cards
from tests.series import ct_series

SECONDS = 120.0
BUSYBOX = "/bin/busybox"
NEEDED = ("podman", "runc", "busybox")
LUNG = {"scheme": "SCT", "value": "39607008", "meaning": "Lung"}
# What the container may, told as exit codes; and the number of the files that it sees.
SCRIPT = """
cd "$HOLOSCAN_OUTPUT_PATH" || exit 10
[ "$(id -u)" != 0 ] || exit 11
touch /anywhere 2>/dev/null && exit 12
touch "$HOLOSCAN_INPUT_PATH"/new 2>/dev/null && exit 13
[ "$(ls /sys/class/net)" = lo ] || exit 14
grep -q 'CapEff:.0000000000000000' /proc/self/status || exit 15
touch /tmp/scratch || exit 16
ls "$MONAI_INPUTPATH"/image > /tmp/seen
echo "[$(wc -l < /tmp/seen)]" > count.json
"""
# Its own limit of processes would be above what a sandbox lets even root have.
_COMMAND = """#!/bin/sh
case "$1" in
run | create) verb=$1; shift; exec {0} "$verb" --ulimit nproc=1024:1024 "$@" ;;
*) exec {0} "$@" ;;
esac
"""
APP = '{"environment": {"A": "b"}, "workingDirectory": "/var/own", "input": {"path": "in"}}'
pytestmark = pytest.mark.skipif(
    any(shutil.which(one) is None for one in NEEDED) or os.getuid() != 0,
    reason=f"root with {', '.join(NEEDED)} (static) is needed to run a container",
)


@pytest.fixture(scope="module")
def podman(tmp_path_factory) -> Iterator[Mapping[str, str]]:
    """Its own store and settings, of which nothing is left; its variables."""
    folder = tmp_path_factory.mktemp("podman")
    (folder / "containers.conf").write_text('[engine]\nruntime = "runc"\n')
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
    )
    command = folder / "podman"
    command.write_text(_COMMAND.format(shutil.which("podman")))
    command.chmod(0o700)
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("PATH", str(folder), prepend=":")
        changed.setenv("CONTAINERS_CONF", str(folder / "containers.conf"))
        changed.setenv("CONTAINERS_STORAGE_CONF", str(folder / "storage.conf"))
        changed.setenv("AIRGATE_CONTAINER_ENGINE", "podman")
        yield {"image": _image()}
        subprocess.run(["podman", "rmi", "--all", "--force"], check=True, capture_output=True)


def _image() -> str:
    """The id of an image of busybox and an app.json; skips where none can run here."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in ("tmp", "var", "var/own", "var/own/in", "var/own/output", "proc", "sys", "dev"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
            archive.addfile(folder)
        archive.add(shutil.which("busybox") or "", BUSYBOX[1:])
        manifest = tarfile.TarInfo("etc/monai/app.json")
        manifest.size = len(APP)
        archive.addfile(manifest, io.BytesIO(APP.encode()))
    told = _podman("import", "--quiet", "-", content=content.getvalue())
    image = "sha256:" + told.strip().removeprefix("sha256:")
    probe = ["--rm", "--network", "none", "--ulimit", "nofile=4096:4096", image, BUSYBOX, "true"]
    if subprocess.run(["podman", "run", *probe], check=False, capture_output=True).returncode:
        pytest.skip("Podman cannot run a container on this machine")
    return image


def _podman(*arguments: str, content: bytes = b"") -> str:
    done = subprocess.run(["podman", *arguments], input=content, check=True, capture_output=True)
    return done.stdout.decode()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ModelProcess]:
    process = ModelProcess(Surroundings(output=tmp_path / "printed"))
    yield process
    process.stop()


def model(image: str, script: str, **resources) -> Loadable:
    command = (BUSYBOX, "sh", "-c", script)
    runtime = {"kind": "container", "image": image, "command": command, "files": ["count.json"]}
    counted = {"scheme": "SCT", "value": "118565006", "meaning": "Volume"}
    output = {"kind": "regression", "concept": counted, "unit": "ml", "site": LUNG}
    return Loadable(cards.card(runtime, outputs=[output], resources=resources))


def test_a_real_container_is_closed_in_and_gives_what_it_wrote(podman, process):
    files = [part10(one) for one in ct_series()]

    found = process.predict(model(podman["image"], SCRIPT), files, SECONDS)

    (measured,) = found.findings.measurements
    assert (measured.concept, measured.value) == (codes.VOLUME, 8)
    assert _podman("ps", "--all", "--quiet") == ""


def test_a_real_container_ends_with_its_time_and_for_its_memory(podman, process):
    files = [part10(one) for one in ct_series()]
    asleep = model(podman["image"], "sleep 600")
    process.warm_up(asleep)
    with pytest.raises(ModelTimedOut):
        process.predict(asleep, files, 4)
    assert _podman("ps", "--all", "--quiet") == ""

    hungry = model(podman["image"], "tail /dev/zero", memory_mb=512)
    with pytest.raises(ModelFailed, match=r"Container(Killed|Ended)"):
        process.predict(hungry, files, SECONDS)

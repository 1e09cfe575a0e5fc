"""A model in a container, from its files to findings, by an engine whose server is a double."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from adapters.runtimes.containers.errors import EngineUnfit, ImageNotHere, NoContainerEngine
from adapters.runtimes.containers.model import load
from adapters.runtimes.containers.naming import container_name, is_abandoned
from adapters.runtimes.errors import ModelFailed, ModelServerAway, ModelTimedOut, ModelUnusable
from adapters.runtimes.kept_process import Surroundings
from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import ModelProcess
from standards import codes
from standards.derived import part10
from standards.errors import UnfitSeries
from tests import cards, container_program
from tests.container_engine import IMAGE
from tests.series import ct_series
from tests.serving import wait_until

SECONDS = 120.0
PROGRAM = (sys.executable, str(Path(container_program.__file__)))
THRESHOLD = {"command": [*PROGRAM, "dicom"], "environment": {"THRESHOLD": "0"}}
LUNG = {"scheme": "SCT", "value": "39607008", "meaning": "Lung"}


def container(*command: str, **changes) -> Loadable:
    files = changes.pop("files", ())
    runtime = {"kind": "container", "image": IMAGE, "command": command, "files": files}
    return Loadable(cards.card(runtime, **changes))


def shell(script: str) -> list[str]:
    """What an image runs by itself, in its output folder."""
    return ["/bin/sh", "-c", f'cd "$HOLOSCAN_OUTPUT_PATH"; {script}']


@pytest.fixture
def files() -> list[bytes]:
    return [part10(one) for one in ct_series()]


def test_a_segmentation_and_a_report_become_findings_of_ours(runtime, docker, files):
    runtime.stop()  # so that it reads the manifests
    docker.add_image(IMAGE, [], app=THRESHOLD, pkg={"resources": {"memory": "1Gi"}})

    found = runtime.predict(container(), files, SECONDS)

    bright = sum(int(np.sum(one.pixel_array > 1024)) for one in ct_series())
    labels = found.findings.label_map
    assert int(labels.voxels.sum()) == bright
    assert [one.name for one in labels.structures] == ["Dense"]
    volume = next(one for one in found.findings.measurements if one.concept == codes.VOLUME)
    assert (volume.label, volume.value) == (1, round(bright * 1.5 * 1.25 * 5 / 1000, 1))
    (judged,) = found.findings.classifications
    assert (judged.value, judged.probability) == (codes.PRESENT, 0.75)
    assert found.findings.caveats == ()
    assert found.memory.peak > 2048 << 20  # what the container may take counts too


def test_files_that_the_card_explains_become_findings(runtime, docker, files):
    docker.add_image(IMAGE, [], app=THRESHOLD | {"command": [*PROGRAM, "tensors"]})
    outputs = [
        {"kind": "labels", "encoding": "labels", "labels": [{"name": "Dense", "type": LUNG}]},
        {"kind": "regression", "concept": LUNG | {"extension": True}, "unit": "%", "site": LUNG},
    ]
    model = container(outputs=outputs, files=["dense.nii.gz", "share.json"])

    found = runtime.predict(model, files, SECONDS)

    expected = np.stack([one.pixel_array > 1024 for one in ct_series()])
    np.testing.assert_array_equal(found.findings.label_map.voxels, expected)
    assert 0.125 in [one.value for one in found.findings.measurements]


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("exit 3", "ContainerEnded: the container ended with exit code 3"),
        ("kill -9 $$", "ContainerKilled: the container was killed"),
        ("true", "NothingWritten: .* holds nothing"),
        ("echo text > notes.txt; ln -s /etc/passwd a.dcm", "NothingWritten: .* 1 file"),
        ('cp "$MONAI_INPUTPATH"/image/00001.dcm .', "FileNotUnderstood: .*found CT Image Storage"),
        ("head -c 128 /dev/zero > a.dcm; printf DICMrubbish >> a.dcm", "FileNotUnderstood|Foreign"),
        ("mkdir many; touch $(seq -f many/%g 10001); exec sleep 60", "TooMuchWritten: .*10000 fil"),
    ],
)
def test_what_a_container_does_wrong_has_a_name(runtime, docker, files, script, named):
    docker.add_image(IMAGE, shell(script))

    with pytest.raises(ModelFailed, match=named):
        runtime.predict(container(), files, SECONDS)

    assert docker.running() == []


def test_nothing_of_another_study_is_taken_over(runtime, docker, files):
    docker.add_image(IMAGE, ["/usr/bin/env", "THRESHOLD=0", *PROGRAM, "foreign"])

    with pytest.raises(ModelFailed, match=r"ForeignObject: .*of another study than its input"):
        runtime.predict(container(), files, SECONDS)


def test_a_container_sees_no_input_that_the_gate_refuses(runtime, docker, files):
    with pytest.raises(UnfitSeries):
        runtime.predict(container(), [*files, files[0]], SECONDS)

    assert docker.runs == []


def test_what_a_container_prints_is_kept_and_what_it_saw_is_not(docker, files, tmp_path):
    process = ModelProcess(Surroundings(output=tmp_path / "printed"))
    script = 'echo "I see $(ls "$HOLOSCAN_INPUT_PATH"/image | wc -l)"; exit 1'
    docker.add_image(IMAGE, shell(script))
    with pytest.raises(ModelFailed):
        process.predict(container(), files, SECONDS)

    (mounted, _) = docker.runs[0].options["--mount"]
    folder = Path(mounted.partition("source=")[2].partition(",")[0])
    assert list(folder.rglob("*.dcm")) == []
    log = tmp_path / "printed" / "threshold-0.1.log"
    wait_until(lambda: "I see 8" in log.read_text(), 30, log.read_text)
    process.stop()


def test_a_container_ends_with_its_time(runtime, docker, files):
    docker.add_image(IMAGE, ["/bin/sleep", "60"])
    runtime.warm_up(container())

    with pytest.raises(ModelTimedOut):
        runtime.predict(container(), files, 2)

    assert (len(docker.runs), docker.running()) == (1, [])


def test_a_container_ends_with_the_time_of_its_own_manifest(runtime, docker, files):
    docker.add_image(IMAGE, ["/bin/sleep", "60"], app={"timeout": 1})
    runtime.stop()  # so that it reads the manifest

    with pytest.raises(ModelFailed, match=r"ContainerTimedOut: .* 1 s of its own app.json"):
        runtime.predict(container(), files, SECONDS)

    assert docker.running() == []


def test_a_container_ends_when_its_work_is_canceled(runtime, docker, files):
    class Canceled(Exception):
        pass

    def watch(_: int) -> None:
        if docker.running():
            raise Canceled

    docker.add_image(IMAGE, ["/bin/sleep", "60"])
    runtime.warm_up(container())
    with pytest.raises(Canceled):
        runtime.predict(container(), files, SECONDS, watch=watch)

    assert (len(docker.runs), docker.running()) == (1, [])


def test_a_killed_worker_takes_its_container_with_it(docker, files, tmp_path):
    docker.add_image(IMAGE, ["/bin/sleep", "60"])
    for number, content in enumerate(files):
        (tmp_path / f"{number}.dcm").write_bytes(content)
    worker = subprocess.Popen([sys.executable, __file__, str(tmp_path)])
    wait_until(lambda: docker.runs and docker.running(), SECONDS, lambda: "it was not run")

    worker.kill()
    worker.wait()

    wait_until(lambda: not docker.running(), 30, lambda: "it goes on")


def test_what_a_killed_keeper_left_is_removed_by_the_next_model(docker):
    dead = subprocess.Popen(["/bin/sleep", "60"])
    left, alive = container_name(dead.pid), container_name(os.getpid())
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    docker.containers |= {left: IMAGE, alive: IMAGE, "airgate-somebody": IMAGE}
    assert is_abandoned(left)

    load(container().card, None)

    assert set(docker.containers) == {alive, "airgate-somebody"}


def test_a_machine_without_an_engine_says_what_to_do(runtime, monkeypatch, tmp_path):
    runtime.stop()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelUnusable, match=r"docker or podman.*AIRGATE_CONTAINER_ENGINE"):
        runtime.warm_up(container())

    monkeypatch.setenv("AIRGATE_CONTAINER_ENGINE", "podman")
    with pytest.raises(NoContainerEngine, match="found no command podman on PATH"):
        load(container().card, None)


def test_an_image_that_cannot_be_had_is_told(docker):
    docker.images.clear()

    with pytest.raises(ImageNotHere, match="not found; pull or load it"):
        load(container().card, None)


def test_a_package_that_needs_more_memory_than_the_card_allows_is_told(docker):
    docker.add_image(IMAGE, [], pkg={"resources": {"memory": "4Gi"}})

    with pytest.raises(EngineUnfit, match=r"the 4096 MiB .*memory_mb of the card.* 2048"):
        load(container().card, None)


def test_an_engine_whose_server_is_down_is_asked_again_later(docker):
    address = docker.folder / "engine.sock"
    elsewhere = address.rename(docker.folder / "elsewhere")

    with pytest.raises(ModelServerAway, match="docker is away: Cannot connect"):
        load(container().card, None)

    elsewhere.rename(address)


def work(folder: Path) -> None:
    """A worker that somebody kills."""
    files = [path.read_bytes() for path in sorted(folder.glob("*.dcm"))]
    ModelProcess().predict(container(), files, SECONDS)


if __name__ == "__main__":
    work(Path(sys.argv[1]))

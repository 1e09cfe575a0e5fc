"""Containers as Jobs, asked for by the official client, of an API server that is a double."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kubernetes.client import V1Job, V1NetworkPolicy

from adapters.runtimes.containers import engines
from adapters.runtimes.containers.cluster import claim
from adapters.runtimes.containers.errors import (
    ContainerTimedOut,
    EngineUnfit,
    ImageNotHere,
    JobFailed,
)
from adapters.runtimes.containers.job import MANAGED, NO_NETWORK, POLICY_NAME, job, no_network
from adapters.runtimes.containers.map_layout import layout_of
from adapters.runtimes.containers.naming import container_name
from adapters.runtimes.containers.task import Task
from adapters.runtimes.errors import ModelServerAway
from adapters.runtimes.kept_process import Surroundings, environment
from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import ModelProcess
from standards.derived import part10
from tests import cards, container_program
from tests.container_engine import IMAGE
from tests.kubernetes_api import (
    CLAIM,
    NAMESPACE,
    Cluster,
    api_server,
    terminated,
    waiting,
)
from tests.series import ct_series

SECONDS = 120.0
PROGRAM = [sys.executable, str(Path(container_program.__file__)), "dicom"]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Cluster]:
    """The double, named by the settings of an operator."""
    with (
        api_server(tmp_path_factory.mktemp("cluster")) as double,
        pytest.MonkeyPatch.context() as m,
    ):
        m.setenv("AIRGATE_CONTAINER_ENGINE", "kubernetes")
        m.setenv("AIRGATE_CONTAINER_CLAIM", CLAIM)
        m.setenv("AIRGATE_CONTAINER_MOUNT", str(double.folder))
        m.setenv("AIRGATE_CONTAINER_NAMESPACE", NAMESPACE)
        m.setenv("KUBECONFIG", str(double.kubeconfig))
        yield double


@pytest.fixture
def cluster(server: Cluster) -> Cluster:
    server.reset()
    return server


@pytest.fixture
def task(cluster: Cluster, tmp_path: Path) -> Task:
    folders = [cluster.folder / tmp_path.name / name for name in ("in", "out")]
    for folder in folders:
        folder.mkdir(parents=True)
    name = container_name(os.getpid())
    return Task(name, "m-1", IMAGE, layout_of({}), *folders, memory_mb=512, seconds=60)


def shell(task: Task, script: str) -> Task:
    layout = replace(task.layout, command=("/bin/sh", "-c", script))
    return replace(task, layout=layout)


def ran(task: Task) -> int:
    return engines.engine(os.getpid()).run(task, lambda: None)


def model(*command: str) -> Loadable:
    return Loadable(cards.card({"kind": "container", "image": IMAGE, "command": command}))


def files() -> list[bytes]:
    return [part10(one) for one in ct_series()]


def test_a_job_is_closed_in_on_all_sides(cluster, task):
    asked = job(replace(task, cpus=2, gpu="0,1"), claim())

    V1Job.model_validate(asked)  # it knows no field that the API has not
    spec, pod = asked["spec"], asked["spec"]["template"]["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, 60)
    assert asked["spec"]["template"]["metadata"]["labels"] == {**MANAGED, **NO_NETWORK}
    assert (pod["restartPolicy"], pod["automountServiceAccountToken"]) == ("Never", False)
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65534,
        "runAsGroup": 65534,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "capabilities": {"drop": ["ALL"]},
    }
    limits = {"memory": "512Mi", "cpu": "2", "nvidia.com/gpu": "2"}
    assert container["resources"] == {"limits": limits}
    writable = [one["mountPath"] for one in container["volumeMounts"] if not one.get("readOnly")]
    assert writable == ["/var/monai/output", "/tmp", "/dev/shm"]  # noqa: S108
    assert [one["emptyDir"]["sizeLimit"] for one in pod["volumes"][1:]] == ["512Mi", "67108864"]


def test_a_job_with_a_network_is_not_under_the_policy_that_withholds_it(cluster, task):
    V1NetworkPolicy.model_validate(no_network())
    open_to_all = replace(shell(task, "exit 0"), network=True)

    assert ran(open_to_all) == 0

    assert cluster.policies == {}
    (asked,) = cluster.asked
    assert asked["spec"]["template"]["metadata"]["labels"] == MANAGED


def test_a_job_becomes_findings_and_leaves_nothing(cluster, tmp_path):
    cluster.programs[IMAGE] = ["/usr/bin/env", "THRESHOLD=0", *PROGRAM]
    process = ModelProcess(Surroundings(output=tmp_path))

    found = process.predict(model(), files(), SECONDS)
    process.stop()

    labels = found.findings.label_map
    assert labels is not None
    assert [one.name for one in labels.structures] == ["Dense"]
    assert cluster.policies[POLICY_NAME]["spec"]["podSelector"] == {"matchLabels": NO_NETWORK}
    assert cluster.running == {}
    assert list(cluster.folder.glob("airgate-*")) == []
    assert "looking at 8 files" in (tmp_path / "threshold-0.1.log").read_text()


def test_how_a_program_ends_is_how_the_run_ends(cluster, task, capfd):
    script = 'echo "it costs $5 $(HOME) $$"; [ "$HOME" = /tmp ] && exit 3'  # none of it expanded

    assert ran(shell(task, script)) == 3
    assert "it costs" in capfd.readouterr().out
    assert ran(shell(task, "kill -9 $$")) == 137
    cluster.fates[IMAGE] = terminated("OOMKilled", 1)
    (cluster.kubeconfig.parent / f"{task.name}.log").write_text("the end of it\n")
    assert ran(task) == 137
    assert capfd.readouterr().out == "the end of it\n"
    assert cluster.running == {}


@pytest.mark.parametrize(
    ("fate", "error", "told"),
    [
        (waiting("ErrImagePull", "no such host"), ImageNotHere, "ErrImagePull: no such host"),
        (waiting("ImagePullBackOff", "Back-off"), ImageNotHere, "ImagePullBackOff: Back-off"),
        (waiting("CreateContainerError", "no python"), JobFailed, "no python"),
        (terminated("StartError", 128), JobFailed, "StartError"),
        ({"reason": "Evicted", "message": "ephemeral-storage"}, JobFailed, "Evicted: ephemeral"),
    ],
)
def test_what_kubernetes_cannot_do_has_a_name_at_once(cluster, task, fate, error, told):
    cluster.fates[IMAGE] = fate

    with pytest.raises(error, match=told):
        ran(task)

    assert cluster.running == {}


def test_a_job_ends_with_its_deadline(cluster, task):
    with pytest.raises(ContainerTimedOut, match="1 s of its card"):
        ran(replace(shell(task, "exec sleep 60"), seconds=1))

    assert cluster.running == {}


def test_a_canceled_job_is_deleted_before_it_is_told(cluster, task):
    class Canceled(Exception):
        pass

    def watch() -> None:
        raise Canceled

    with pytest.raises(Canceled):
        engines.engine(os.getpid()).run(shell(task, "exec sleep 60"), watch)

    assert (len(cluster.asked), cluster.running) == (1, {})


def test_the_last_act_of_a_keeper_deletes_its_job(cluster, task):
    cluster.create_jobs(job(shell(task, "exec sleep 60"), claim()))
    surroundings = environment(model(), str(cluster.folder), None)

    end = [sys.executable, "-m", "adapters.runtimes.containers.end"]
    subprocess.run(end, env=surroundings, check=True)

    assert cluster.running == {}


def test_jobs_of_dead_keepers_are_deleted_and_others_are_not(cluster, task):
    dead = subprocess.Popen(["/bin/sleep", "60"])
    left = container_name(dead.pid)
    dead.kill()
    dead.wait()
    asleep = shell(task, "exec sleep 60")
    for name in (left, task.name, "airgate-somebody"):
        cluster.create_jobs(job(replace(asleep, name=name), claim()))

    engines.sweep(engines.engine(os.getpid()))

    assert set(cluster.running) == {task.name, "airgate-somebody"}


def test_what_a_cluster_refuses_is_told(cluster, task, monkeypatch):
    engine = engines.engine(os.getpid())
    with pytest.raises(EngineUnfit, match="image as name@sha256"):
        engine.prepare("sha256:" + "ab" * 32)
    cluster.refused.add(("POST", "networkpolicies"))
    with pytest.raises(EngineUnfit, match=r"read and create NetworkPolicies .* Role"):
        engine.prepare(IMAGE)
    cluster.policies[POLICY_NAME] = no_network() | {"spec": {"podSelector": {}}}
    with pytest.raises(EngineUnfit, match=f"{POLICY_NAME} in imaging that denies all"):
        ran(task)
    assert cluster.asked == []
    monkeypatch.setenv("AIRGATE_CONTAINER_CLAIM", "another")
    with pytest.raises(EngineUnfit, match="PersistentVolumeClaim another in imaging"):
        engines.engine(os.getpid()).prepare(IMAGE)


def test_folders_that_are_not_on_the_claim_are_told(cluster, task, tmp_path):
    with pytest.raises(EngineUnfit, match="not on the shared claim"):
        ran(replace(task, inputs=tmp_path))


def test_settings_that_lack_something_are_told(cluster, monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(EngineUnfit, match=r"lacks a cluster .* or KUBECONFIG"):
        engines.engine(os.getpid())
    monkeypatch.delenv("AIRGATE_CONTAINER_MOUNT")
    with pytest.raises(EngineUnfit, match="lacks the setting AIRGATE_CONTAINER_MOUNT"):
        engines.engine(os.getpid())


def test_a_missing_package_is_told(cluster, monkeypatch):
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(EngineUnfit, match=r"pip install 'airgate\[kubernetes\]'"):
        engines.engine(os.getpid())


def test_a_cluster_that_does_not_answer_is_asked_again_later(cluster, monkeypatch, tmp_path):
    elsewhere = tmp_path / "kubeconfig"
    text = cluster.kubeconfig.read_text()
    elsewhere.write_text(text.replace(text.partition("127.0.0.1:")[2].split()[0], "1"))
    monkeypatch.setenv("KUBECONFIG", str(elsewhere))

    with pytest.raises(ModelServerAway, match="kubernetes is away: no answer"):
        engines.engine(os.getpid()).prepare(IMAGE)

"""Kubernetes: each run is a Job, on folders of a volume that worker and Jobs share."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from kubernetes.client import (
    ApiClient,
    ApiException,
    BatchV1Api,
    CoreV1Api,
    NetworkingV1Api,
    V1DeleteOptions,
    V1Job,
    V1NetworkPolicy,
    V1Pod,
)

from adapters.runtimes.containers.cluster import answers
from adapters.runtimes.containers.errors import EngineUnfit, JobFailed
from adapters.runtimes.containers.job import MANAGED, POLICY_NAME, Claim, job, no_network
from adapters.runtimes.containers.pod_status import check_job, exit_code
from adapters.runtimes.containers.task import Task, Watch
from adapters.runtimes.errors import ModelServerAway

_ASK: dict[str, Any] = {"_request_timeout": 10.0}
_STRICT: dict[str, Any] = {"field_validation": "Strict", **_ASK}
_LOOK_SECONDS = 1.0
_GONE_SECONDS = 8.0  # of the ten that a keeper has to end
_LOG_LINES, _LOG_BYTES = 1000, 65_536  # the log of a model keeps no more
_FIRST_LOOK_SECONDS = 0.1


class KubernetesEngine:
    """claim: where the folders of all runs lie."""

    def __init__(self, client: ApiClient, claim: Claim) -> None:
        self._claim, self._space = claim, claim.namespace
        self._jobs, self._core = BatchV1Api(client), CoreV1Api(client)
        self._policies = NetworkingV1Api(client)

    def prepare(self, image: str) -> Mapping[str, bytes]:
        """No manifests: an image is not looked into. Raises EngineUnfit too."""
        if "@" not in image:
            raise EngineUnfit(f"a registry for {image}", "an image as name@sha256:...")
        name = self._claim.name
        with answers(f"read the PersistentVolumeClaim {name} in {self._space}"):
            self._core.read_namespaced_persistent_volume_claim(name, self._space, **_ASK)
        self._withhold_network()
        return {}

    def run(self, task: Task, watch: Watch) -> int:
        if not task.network:
            self._withhold_network()
        wanted = V1Job.model_validate(job(task, self._claim))
        try:
            with answers(f"create Jobs in {self._space}"):
                self._jobs.create_namespaced_job(self._space, wanted, **_STRICT)
            code = self._wait(task, watch)
            with contextlib.suppress(ModelServerAway):  # a lost log is no lost result
                self._print_log(task.name)
        finally:
            self.remove(task.name)
        return code

    def remove(self, name: str) -> None:
        """In the foreground: the Job is there as long as its pod is."""
        options = V1DeleteOptions(propagation_policy="Foreground")
        until = time.monotonic() + _GONE_SECONDS
        with contextlib.suppress(ModelServerAway), answers(f"delete Jobs in {self._space}"):
            try:
                self._jobs.delete_namespaced_job(name, self._space, body=options, **_ASK)
                while time.monotonic() < until:
                    self._jobs.read_namespaced_job(name, self._space, **_ASK)
                    time.sleep(_FIRST_LOOK_SECONDS)
            except ApiException as error:
                if error.status != 404:
                    raise

    def names(self) -> list[str]:
        with answers(f"list Jobs in {self._space}"):
            found = self._jobs.list_namespaced_job(
                self._space, label_selector=_selector(MANAGED), **_ASK
            )
        return [one.metadata.name for one in found.items if one.metadata and one.metadata.name]

    def _wait(self, task: Task, watch: Watch) -> int:
        pause = _FIRST_LOOK_SECONDS
        while True:
            found = self._job(task.name)  # before its pod, which may end in between
            for pod in self._pods(task.name):
                if (code := exit_code(pod, task)) is not None:
                    return code
            check_job(found, task)
            time.sleep(pause)
            pause = min(2 * pause, _LOOK_SECONDS)
            watch()

    def _job(self, name: str) -> V1Job:
        with answers(f"read Jobs in {self._space}"):
            try:
                return self._jobs.read_namespaced_job(name, self._space, **_ASK)
            except ApiException as error:
                if error.status == 404:
                    raise JobFailed("NotFound", "somebody deleted it") from error
                raise

    def _pods(self, name: str) -> list[V1Pod]:
        selector = _selector({"batch.kubernetes.io/job-name": name})
        with answers(f"list pods in {self._space}"):
            return self._core.list_namespaced_pod(
                self._space, label_selector=selector, **_ASK
            ).items

    def _print_log(self, name: str) -> None:
        """The end of what it printed, which the keeper takes from here."""
        for pod in self._pods(name):
            if pod.metadata is None or pod.metadata.name is None:
                continue
            with answers(f"read logs of pods in {self._space}"):
                told = self._core.read_namespaced_pod_log(
                    pod.metadata.name,
                    self._space,
                    tail_lines=_LOG_LINES,
                    limit_bytes=_LOG_BYTES,
                    **_ASK,
                )
            print(told, end="", flush=True)

    def _withhold_network(self) -> None:
        """Kubernetes gives every pod a network; a policy, made once, denies its use."""
        with answers(f"read and create NetworkPolicies in {self._space}"):
            wanted = V1NetworkPolicy.model_validate(no_network())
            try:
                found = self._policy()
            except ApiException as error:
                if error.status != 404:
                    raise
                found = self._make(wanted)
        if not _same(found, wanted):
            raise EngineUnfit(
                f"a NetworkPolicy {POLICY_NAME} in {self._space} that denies all: another one has "
                "that name",
                "none, so that it is made, or one as docs/containers.md has it",
            )

    def _policy(self) -> V1NetworkPolicy:
        return self._policies.read_namespaced_network_policy(POLICY_NAME, self._space, **_ASK)

    def _make(self, wanted: V1NetworkPolicy) -> V1NetworkPolicy:
        try:
            return self._policies.create_namespaced_network_policy(self._space, wanted, **_STRICT)
        except ApiException as error:
            if error.status != 409:
                raise
            return self._policy()  # another worker was first


def _same(found: V1NetworkPolicy, wanted: V1NetworkPolicy) -> bool:
    """An empty list of rules and none at all say the same."""
    ours, theirs = wanted.spec, found.spec
    assert ours is not None  # noqa: S101 (as we made it)
    return theirs is not None and (
        not theirs.ingress
        and not theirs.egress
        and theirs.pod_selector == ours.pod_selector
        and set(theirs.policy_types or ()) == set(ours.policy_types or ())
    )


def _selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels.items())

"""One run of a container as a Kubernetes Job; pure functions, in the words of its published API.

batch/v1 Job and networking.k8s.io/v1 NetworkPolicy, as plain JSON. A pod sees its two folders and
nothing else: no token of the cluster, nothing else to write to but /tmp in memory, no capability.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.runtimes.containers.errors import EngineUnfit
from adapters.runtimes.containers.task import Task

MANAGED = {"app.kubernetes.io/managed-by": "airgate"}
NO_NETWORK = {"airgate.org/network": "none"}
POLICY_NAME = "airgate-no-network"
_MODEL = "airgate.org/model"  # an annotation: a label may not be so long
_FORGOTTEN_SECONDS = 300  # after its end, where nobody is left to delete it
_KILLED_SECONDS = 1  # 0 would forget a pod before its container is dead


@dataclass(frozen=True)
class Claim:
    """A PersistentVolumeClaim that worker and Jobs share.

    mounted: where it lies for the worker.
    """

    namespace: str
    name: str
    mounted: Path

    def sub_path(self, folder: Path) -> str:
        """Raises EngineUnfit where the folder lies elsewhere."""
        if not folder.is_relative_to(self.mounted):
            raise EngineUnfit(
                f"a way to {folder}, which is not on the shared claim",
                f"a folder below {self.mounted} (AIRGATE_CONTAINER_MOUNT)",
            )
        return str(folder.relative_to(self.mounted))


def job(task: Task, claim: Claim) -> dict[str, Any]:
    """Run once, within its time, by nobody's account."""
    labels = MANAGED if task.network else {**MANAGED, **NO_NETWORK}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": task.name,
            "labels": labels,
            "annotations": {_MODEL: task.model},
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": math.ceil(task.seconds),
            "ttlSecondsAfterFinished": _FORGOTTEN_SECONDS,
            "template": {
                "metadata": {"labels": labels, "annotations": {_MODEL: task.model}},
                "spec": _pod(task, claim),
            },
        },
    }


def no_network() -> dict[str, Any]:
    """All that goes in or out is denied to pods with the label NO_NETWORK."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": POLICY_NAME, "labels": MANAGED},
        "spec": {
            "podSelector": {"matchLabels": NO_NETWORK},
            "policyTypes": ["Ingress", "Egress"],
        },
    }


def _pod(task: Task, claim: Claim) -> dict[str, Any]:
    user, group = task.user
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _KILLED_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            "runAsGroup": group,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(task, claim)],
        "volumes": [
            {"name": "shared", "persistentVolumeClaim": {"claimName": claim.name}},
            _in_memory("tmp", f"{task.memory_mb}Mi"),
            _in_memory("shm", str(task.layout.shared_memory)),
        ],
    }


def _container(task: Task, claim: Claim) -> dict[str, Any]:
    layout = task.layout
    command = {"command": [_literal(one) for one in layout.command]} if layout.command else {}
    return {
        "name": "model",
        "image": task.image,
        "imagePullPolicy": "IfNotPresent",
        **command,
        "workingDir": str(layout.working_directory),
        "env": [
            {"name": name, "value": _literal(value)} for name, value in layout.variables().items()
        ],
        "resources": {"limits": _limits(task)},
        "securityContext": {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            _shared(claim.sub_path(task.inputs), str(layout.input), read_only=True),
            _shared(claim.sub_path(task.outputs), str(layout.output), read_only=False),
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 (inside)
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108 (inside)
        ],
    }


def _limits(task: Task) -> dict[str, str]:
    """Requests are the same where only limits are told."""
    return {
        "memory": f"{task.memory_mb}Mi",
        **({} if task.cpus is None else {"cpu": str(task.cpus)}),
        **({} if task.gpu is None else {"nvidia.com/gpu": str(len(task.gpu.split(",")))}),
    }


def _shared(sub_path: str, target: str, *, read_only: bool) -> dict[str, Any]:
    return {"name": "shared", "subPath": sub_path, "mountPath": target, "readOnly": read_only}


def _in_memory(name: str, size: str) -> dict[str, Any]:
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": size}}


def _literal(text: str) -> str:
    """The API takes $(NAME) for a variable, and $$ for one dollar."""
    return text.replace("$", "$$")

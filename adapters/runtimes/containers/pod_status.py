"""What a Job and its pod say of how the run went; pure functions on the client's objects.

Reasons are those of the kubelet and of the Job controller (kubernetes.io, Pod Lifecycle, Jobs).
"""

from typing import TYPE_CHECKING

from adapters.runtimes.containers.errors import ContainerTimedOut, ImageNotHere, JobFailed
from adapters.runtimes.containers.task import Task

if TYPE_CHECKING:
    from kubernetes.client import V1Job, V1Pod

_KILLED = 137  # 128 + SIGKILL
_NO_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"})
_NOT_STARTED = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)
_GIVEN_UP = frozenset({"Failed", "FailureTarget"})
_NEVER_RAN = frozenset({"StartError", "ContainerCannotRun"})


def exit_code(pod: "V1Pod", task: Task) -> int | None:
    """None while it may still come to an end by itself.

    Raises ImageNotHere, JobFailed.
    """
    if pod.metadata and pod.metadata.deletion_timestamp:
        return None  # killed from outside, and its Job tells why
    status = pod.status
    if status and status.reason:  # Evicted, NodeLost: what the program did does not count
        raise JobFailed(status.reason, status.message or "")
    for container in (status and status.container_statuses) or ():
        state = container.state
        if state and (waiting := state.waiting):
            reason, told = waiting.reason or "", waiting.message or ""
            if reason in _NO_IMAGE:
                raise ImageNotHere(task.image, f"{reason}: {told}")
            if reason in _NOT_STARTED:
                raise JobFailed(reason, told)
        if state and (ended := state.terminated):
            if ended.reason in _NEVER_RAN:
                raise JobFailed(ended.reason, ended.message or "")
            return _KILLED if ended.reason == "OOMKilled" else ended.exit_code
    return None


def check_job(job: "V1Job", task: Task) -> None:
    """Raises ContainerTimedOut, JobFailed where it was given up, with or without its pod."""
    for condition in (job.status and job.status.conditions) or ():
        if condition.type not in _GIVEN_UP or condition.status != "True":
            continue
        if condition.reason == "DeadlineExceeded":
            raise ContainerTimedOut(task.seconds, "its card (resources.timeout_seconds)")
        raise JobFailed(condition.reason or "Failed", condition.message or "")

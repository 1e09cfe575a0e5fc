"""A Kubernetes cluster, asked by its official client: where it is, and what its answers mean."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.runtimes.containers.errors import EngineUnfit
from adapters.runtimes.containers.job import Claim
from adapters.runtimes.errors import ModelServerAway
from adapters.runtimes.kept_process import MOUNT

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

KUBERNETES = "kubernetes"
_CLAIM, _NAMESPACE = "AIRGATE_CONTAINER_CLAIM", "AIRGATE_CONTAINER_NAMESPACE"
_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_REFUSALS = range(400, 500)
_PASSING = frozenset({409, 429})  # a Job of that name is just being deleted; too many requests


def claim() -> Claim:
    """As the operator says. Raises EngineUnfit."""
    name, mounted = os.environ.get(_CLAIM, ""), os.environ.get(MOUNT, "")
    if not name or not mounted:
        raise EngineUnfit(
            f"the setting {MOUNT if name else _CLAIM}",
            "the PersistentVolumeClaim that worker and Jobs share, and where the worker has it "
            f"mounted ({_CLAIM}, {MOUNT})",
        )
    return Claim(os.environ.get(_NAMESPACE) or _own_namespace(), name, Path(mounted))


def connect() -> "ApiClient":
    """To the cluster that KUBECONFIG tells, else to the one that we run in. Raises EngineUnfit."""
    try:
        from kubernetes import client, config  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise EngineUnfit(
            "the package kubernetes", "it beside Airgate: pip install 'airgate[kubernetes]'"
        ) from error
    found = client.Configuration()
    found.retries = 0  # the work is tried again as a whole
    try:
        if path := os.environ.get("KUBECONFIG"):
            config.load_kube_config(config_file=path, client_configuration=found)
        else:
            config.load_incluster_config(client_configuration=found)
    except config.ConfigException as error:
        raise EngineUnfit(
            f"a cluster ({error})", "a worker in a pod with a ServiceAccount, or KUBECONFIG"
        ) from error
    return client.ApiClient(found)


@contextmanager
def answers(doing: str) -> Iterator[None]:
    """doing: what is asked, in words.

    Raises ModelServerAway where no answer comes or the cluster fails, EngineUnfit where it refuses.
    """
    from kubernetes.client import ApiException  # noqa: PLC0415 (an extra)
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 (comes with it)

    try:
        yield
    except HTTPError as error:
        raise ModelServerAway(KUBERNETES, f"no answer to {doing}") from error
    except ApiException as error:
        status, told = error.status or 0, f"{error.status} {error.reason}"
        if status not in _REFUSALS or status in _PASSING:
            raise ModelServerAway(KUBERNETES, f"{told} to {doing}") from error
        raise EngineUnfit(
            f"leave to {doing} ({told})", "a Role with the rights that docs/containers.md lists"
        ) from error


def _own_namespace() -> str:
    return _OWN_NAMESPACE.read_text().strip() if _OWN_NAMESPACE.is_file() else "default"

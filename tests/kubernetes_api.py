"""A Kubernetes API server for tests: as much of the published API as runs of containers ask for.

    with api_server(folder) as double:      # double.kubeconfig names it for clients
        double.programs[IMAGE] = ["/bin/true"]

What it is sent must be an object of the official client's own models, which are made of the OpenAPI
document of Kubernetes 1.37 and know no other fields. What a Job runs is a program of this machine,
on the folders of the claim, which lie in `folder`; nothing is closed off.
"""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from kubernetes.client import V1DeleteOptions, V1Job, V1NetworkPolicy
from pydantic import ValidationError

ROOT = Path(__file__).parents[1]
NAMESPACE, CLAIM, TOKEN = "imaging", "airgate-shared", "token-of-a-test"
_PATH = re.compile(r"/(api/v1|apis/[\w.]+/v1)/namespaces/imaging/(\w+)(?:/([\w.-]+))?(/log)?")
_KINDS = {"jobs": V1Job, "networkpolicies": V1NetworkPolicy}
_VARIABLE = re.compile(r"\$\$|\$\((\w+)\)")


class Refused(Exception):
    """status, message: of the Status that is answered."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


@dataclass
class Running:
    """fate: a pod's status that counts, and not what a program did."""

    job: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None
    fate: dict[str, Any] | None = None
    started: float = field(default_factory=time.monotonic)

    def is_late(self) -> bool:
        limit = self.job["spec"]["activeDeadlineSeconds"]
        return self.process is not None and time.monotonic() - self.started > limit

    def job_status(self) -> dict[str, Any]:
        if not self.is_late():
            return {}
        why = {"reason": "DeadlineExceeded", "message": "Job was active longer than specified"}
        return {"conditions": [{"type": "Failed", "status": "True", **why}]}

    def pods(self) -> list[dict[str, Any]]:
        if self.is_late():
            return []  # the Job controller deletes it
        name, template = self.job["metadata"]["name"], self.job["spec"]["template"]
        labels = {**template["metadata"]["labels"], "batch.kubernetes.io/job-name": name}
        pod = {"metadata": {"name": f"{name}-x7x2k", "labels": labels}, "spec": template["spec"]}
        return [{**pod, "status": self.fate or _status(self.state())}]

    def state(self) -> dict[str, Any]:
        if self.process is None or (code := self.process.poll()) is None:
            return {"running": {}}
        return {"terminated": {"exitCode": 128 - code if code < 0 else code, "reason": "Error"}}

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Cluster:
    """asked: Jobs that were created, ever. refused: verb and kind that the caller may not use."""

    folder: Path
    kubeconfig: Path
    programs: dict[str, list[str]] = field(default_factory=dict)
    fates: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    running: dict[str, Running] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: set[tuple[str, str]] = field(default_factory=set)

    def reset(self) -> None:
        for name in list(self.running):
            self.delete_jobs(name)
        for each in (self.programs, self.fates, self.asked, self.policies, self.refused):
            each.clear()

    def answer(
        self, verb: str, kind: str, name: str | None, query: dict[str, str], body: Any
    ) -> Any:
        """verb: GET, POST, DELETE."""
        if (verb, kind) in self.refused:
            raise Refused(403, f"cannot {verb} resource {kind}")
        if verb == "POST":
            if query.get("fieldValidation") != "Strict":
                raise Refused(400, "unknown fields would be dropped")
            _check(_KINDS[kind], body)
        if verb == "DELETE":
            _check(V1DeleteOptions, body)
        does = {"GET": "get" if name else "list", "POST": "create", "DELETE": "delete"}[verb]
        told = body if verb == "POST" else name if name else query
        return getattr(self, f"{does}_{kind}")(told)

    def get_persistentvolumeclaims(self, name: str) -> Any:
        return {"metadata": {"name": self._known(name, {CLAIM: CLAIM})}}

    def get_networkpolicies(self, name: str) -> Any:
        return self._known(name, self.policies)

    def create_networkpolicies(self, body: dict[str, Any]) -> Any:
        return self.policies.setdefault(body["metadata"]["name"], body)

    def list_jobs(self, query: dict[str, str]) -> Any:
        found = [one.job for one in list(self.running.values())]
        return {"items": [one for one in found if _is_selected(one, query)]}

    def get_jobs(self, name: str) -> Any:
        found = self._known(name, self.running)
        return {**found.job, "status": found.job_status()}

    def create_jobs(self, body: dict[str, Any]) -> Any:
        name = body["metadata"]["name"]
        if name in self.running:
            raise Refused(409, f"jobs.batch {name} already exists")
        self.asked.append(body)
        (container,) = body["spec"]["template"]["spec"]["containers"]
        fate = self.fates.get(container["image"])
        process = None if fate else self._start(name, container)
        self.running[name] = Running(body, process, fate)
        return body

    def delete_jobs(self, name: str) -> Any:
        self._known(name, self.running).kill()
        self.running.pop(name, None)
        return {"kind": "Status", "status": "Success"}

    def list_pods(self, query: dict[str, str]) -> Any:
        pods = [pod for one in list(self.running.values()) for pod in one.pods()]
        return {"items": [one for one in pods if _is_selected(one, query)]}

    def log(self, pod: str, query: dict[str, str]) -> bytes:
        """limitBytes counts from the first of the last tailLines."""
        lines = self._log(pod.rpartition("-")[0]).read_bytes().splitlines(keepends=True)
        return b"".join(lines[-int(query["tailLines"]) :])[: int(query["limitBytes"])]

    def _start(self, name: str, container: dict[str, Any]) -> subprocess.Popen[bytes]:
        given = {one["name"]: one["value"] for one in container["env"]}
        mounts = {one["mountPath"]: one for one in container["volumeMounts"]}
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
        for key, value in given.items():
            mounted = mounts.get(value, {}).get("subPath")
            environment[key] = str(self.folder / mounted) if mounted else _expanded(value, given)
        command = container.get("command") or self.programs[container["image"]]
        with self._log(name).open("wb") as log:
            return subprocess.Popen(
                [_expanded(one, given) for one in command],
                env=environment,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _log(self, name: str) -> Path:
        return self.kubeconfig.parent / f"{name}.log"

    @staticmethod
    def _known(name: str, among: dict[str, Any]) -> Any:
        if name not in among:
            raise Refused(404, f"{name} not found")
        return among[name]


def _check(kind: Any, body: Any) -> None:
    try:
        kind.model_validate(body)
    except ValidationError as error:
        raise Refused(400, str(error)) from error


def _status(state: dict[str, Any]) -> dict[str, Any]:
    about = {"name": "model", "image": "", "imageID": "", "ready": False, "restartCount": 0}
    return {"containerStatuses": [{**about, "state": state}]}


def waiting(reason: str, message: str) -> dict[str, Any]:
    """The status of a pod whose container cannot start."""
    return _status({"waiting": {"reason": reason, "message": message}})


def terminated(reason: str, code: int) -> dict[str, Any]:
    return _status({"terminated": {"reason": reason, "exitCode": code}})


def _expanded(text: str, variables: dict[str, str]) -> str:
    """Kubernetes, `command` of a container: $(NAME), and $$ for one dollar."""
    return _VARIABLE.sub(lambda found: variables[found[1]] if found[1] else "$", text)


def _is_selected(one: dict[str, Any], query: dict[str, str]) -> bool:
    wanted = dict(pair.split("=") for pair in query["labelSelector"].split(","))
    return wanted.items() <= one["metadata"]["labels"].items()


def _handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            try:
                status, content = 200, self._answer()
            except Refused as refused:
                told = {"kind": "Status", "status": "Failure", "message": refused.message}
                status, content = refused.status, json.dumps(told).encode()
            self.send_response(status)
            kind = "text/plain" if self.path.partition("?")[0].endswith("/log") else "json"
            self.send_header("Content-Type", f"application/{kind}" if kind == "json" else kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _answer(self) -> bytes:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            url = urlsplit(self.path)
            found, query = _PATH.fullmatch(url.path), dict(parse_qsl(url.query))
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                raise Refused(401, "Unauthorized")
            if found is None:
                raise Refused(404, "the server could not find the requested resource")
            if found[4]:
                return cluster.log(found[3], query)
            return json.dumps(
                cluster.answer(self.command, found[2], found[3], query, body)
            ).encode()

        do_GET = do_POST = do_DELETE = _do

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    return Handler


@contextmanager
def api_server(folder: Path) -> Iterator[Cluster]:
    """folder / "claim" is what the claim holds."""
    (folder / "claim").mkdir()
    cluster = Cluster(folder / "claim", folder / "kubeconfig")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cluster))
    server.daemon_threads = True
    named = {"cluster": "double", "user": "worker"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "double",
        "contexts": [{"name": "double", "context": named}],
        "clusters": [
            {
                "name": "double",
                "cluster": {"server": f"http://127.0.0.1:{server.server_port}"},
            }
        ],
        "users": [{"name": "worker", "user": {"token": TOKEN}}],
    }
    cluster.kubeconfig.write_text(yaml.safe_dump(config))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield cluster
    finally:
        cluster.reset()
        server.shutdown()
        server.server_close()

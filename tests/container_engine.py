"""A container engine for tests: a server that outlives its commands, and a strict command.

    with engine(folder) as double:       # folder / "bin" / "docker" is the command
        double.add_image(IMAGE, ["/bin/true"], app={...})

It knows the options that Docker and Podman document and this program uses, and refuses all others.
What it runs is a program of this machine, on the folders that were mounted; nothing is closed off.
"""

import io
import json
import os
import shutil
import signal
import socketserver
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
IMAGE = "registry.example/threshold@sha256:" + "ab" * 32
# Options of `docker run` that take a value; those of `podman run` are called the same.
WITH_VALUE = {
    *("--name", "--label", "--pull", "--network", "--cap-drop", "--security-opt", "--ulimit"),
    *("--log-driver", "--memory", "--memory-swap", "--shm-size", "--tmpfs", "--pids-limit"),
    *("--cpus", "--user", "--userns", "--gpus", "--device", "--mount", "--workdir", "--env"),
    "--entrypoint",
}
FLAGS = {"--rm", "--read-only"}
_COMMAND = """#!{python} -ISu
import json, socket, sys
with socket.socket(socket.AF_UNIX) as one:
    try:
        one.connect({socket!r})
    except OSError:
        sys.exit("Cannot connect to the daemon. Is it running?")
    one.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    answers = one.makefile("rb")
    for line in answers:
        told = json.loads(line)
        for name in ("stdout", "stderr"):
            getattr(sys, name).buffer.write(bytes.fromhex(told.get(name, "")))
        if "code" in told:
            sys.exit(told["code"])
"""


@dataclass
class Parsed:
    image: str
    program: list[str]
    options: dict[str, list[str]]

    def one(self, name: str) -> str:
        (value,) = self.options[name]
        return value


class UnknownOption(Exception):
    """What the command says of it."""


def parse(arguments: list[str]) -> Parsed:
    """What follows `run` or `create`."""
    options: dict[str, list[str]] = {}
    left = list(arguments)
    while left and left[0].startswith("-"):
        name = left.pop(0)
        if name not in WITH_VALUE | FLAGS:
            raise UnknownOption(f"unknown flag: {name}")
        options.setdefault(name, []).append(left.pop(0) if name in WITH_VALUE else "")
    return Parsed(left[0], left[1:], options)


@dataclass
class Engine:
    """runs: what was asked to run. containers: those there are, by name."""

    folder: Path
    images: dict[str, dict[str, bytes]] = field(default_factory=dict)
    programs: dict[str, list[str]] = field(default_factory=dict)
    runs: list[Parsed] = field(default_factory=list)
    containers: dict[str, subprocess.Popen[bytes] | str] = field(default_factory=dict)

    def add_image(self, image: str, program: list[str], **manifests: Any) -> None:
        """program: its entry point. manifests: `app` and `pkg`, put where a MAP has them."""
        files = {f"{name}.json": json.dumps(one).encode() for name, one in manifests.items()}
        self.images[image], self.programs[image] = files, program

    def reset(self) -> None:
        """As if it were new; the containers are killed."""
        for name in list(self.containers):
            list(self._rm([name]))
        self.runs.clear()
        self.images.clear()

    def running(self) -> list[str]:
        return [
            name
            for name, one in list(self.containers.items())
            if isinstance(one, str) or one.poll() is None
        ]

    def do(self, arguments: list[str]) -> Iterator[dict[str, Any]]:
        verb = arguments[0]
        yield from getattr(self, f"_{verb}", self._unknown)(arguments[1:])

    def _unknown(self, _: list[str]) -> Iterator[dict[str, Any]]:
        yield told("unknown command", 1)

    def _version(self, _: list[str]) -> Iterator[dict[str, Any]]:
        yield {"code": 0}

    def _image(self, arguments: list[str]) -> Iterator[dict[str, Any]]:
        yield {"code": 0 if arguments[1] in self.images else 1}

    def _pull(self, arguments: list[str]) -> Iterator[dict[str, Any]]:
        yield told(f"manifest for {arguments[-1]} not found", 1)

    def _ps(self, _: list[str]) -> Iterator[dict[str, Any]]:
        yield {"stdout": "\n".join(self.containers).encode().hex(), "code": 0}

    def _create(self, arguments: list[str]) -> Iterator[dict[str, Any]]:
        asked = parse(arguments)
        self.containers[asked.one("--name")] = asked.image
        yield {"code": 0}

    def _cp(self, arguments: list[str]) -> Iterator[dict[str, Any]]:
        name, _, path = arguments[0].partition(":")
        image = self.containers[name]
        assert isinstance(image, str)
        folder, _, file = path.rpartition("/")
        content = self.images[image].get(file) if folder == "/etc/monai" else None
        if content is None:
            yield told(f"{path} could not be found", 1)
            return
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            member = tarfile.TarInfo(file)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        yield {"stdout": buffer.getvalue().hex(), "code": 0}

    def _rm(self, arguments: list[str]) -> Iterator[dict[str, Any]]:
        found = self.containers.pop(arguments[-1], None)
        if isinstance(found, subprocess.Popen):
            _kill(found)
        yield {"code": 0}

    def _run(self, arguments: list[str]) -> Iterator[dict[str, Any]]:
        try:
            asked = parse(arguments)
        except UnknownOption as error:
            yield told(str(error), 125)
            return
        self.runs.append(asked)
        name = asked.one("--name")
        if name in self.containers:
            yield told(f"the name {name} is in use", 125)
            return
        process = subprocess.Popen(
            [*(asked.options.get("--entrypoint") or self.programs[asked.image]), *asked.program],
            env=_environment(asked),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.containers[name] = process
        assert process.stdout is not None
        for line in process.stdout:
            yield {"stdout": line.hex()}
        code = process.wait()
        self.containers.pop(name, None)  # --rm
        yield {"code": 128 - code if code < 0 else code}


def _environment(asked: Parsed) -> dict[str, str]:
    """The program's, with the mounted folders where they lie on this machine."""
    mounts: dict[str, str] = {}
    for one in asked.options["--mount"]:
        fields = _pairs(one.split(","))
        mounts[fields["target"]] = fields["source"]
    given = _pairs(asked.options["--env"])
    mapped = {name: mounts.get(value, value) for name, value in given.items()}
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **mapped}


def _pairs(written: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (one.partition("=") for one in written)}


def told(message: str, code: int) -> dict[str, Any]:
    return {"stderr": f"{message}\n".encode().hex(), "code": code}


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def engine(folder: Path, command: str = "docker") -> Iterator[Engine]:
    """The server, and its command in `folder`/bin; put that on PATH."""
    double = Engine(folder)
    address = folder / "engine.sock"

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for answer in double.do(json.loads(self.rfile.readline())):
                try:
                    self.wfile.write(json.dumps(answer).encode() + b"\n")
                except OSError:  # the command is gone; the container is not
                    continue

    program = folder / "bin" / command
    program.parent.mkdir(parents=True)
    program.write_text(_COMMAND.format(python=sys.executable, socket=str(address)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    server = socketserver.ThreadingUnixStreamServer(str(address), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        for one in double.containers.values():
            if isinstance(one, subprocess.Popen):
                _kill(one)
        shutil.rmtree(folder / "bin")

"""Starting a model's process: what it is given, and what it is not."""

import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from adapters.runtimes import pickles
from adapters.runtimes.confinement import Confinement, Network, allowed
from adapters.runtimes.loading import Loadable
from ai_models.card import ModelCard
from ai_models.card.runtime import Container

# Of the worker's environment, what begins so; its token and its database's address do not.
_PASSED_ON = (
    *("PATH", "LANG", "LC_", "TZ", "LD_LIBRARY_PATH", "PYTHON", "VIRTUAL_ENV", "COVERAGE_"),
    *("CUDA_", "NVIDIA_", "TORCH", "PYTORCH_", "MONAI_", "OMP_", "MKL_", "KMP_", "ORT_"),
)
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# More of it for the command of a container engine, which is no model's code.
_ENGINES_GET = (
    *("HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_", "CONTAINER"),
    *("AIRGATE_CONTAINER_", "KUBE"),
)
MOUNT = "AIRGATE_CONTAINER_MOUNT"
_FACTOR = 2  # of the memory that a card tells; what takes more is out of control
_PYTHON = (sys.executable, "-P", "-m")
_END_SECONDS = 10.0  # the keeper has only to kill
# The model runs elsewhere, and its process runs our code alone.
_NOT_CONFINED = frozenset({"kserve", "container"})


@dataclass(frozen=True)
class Surroundings:
    """Where a model's process runs.

    memory: bytes that the worker has for models; unset = as many as the card allows.
    device: the GPU that it sees, as CUDA_VISIBLE_DEVICES has it; unset = those that we see.
    output: folder for the end of what models print, a file each; unset = where ours goes.
    network: of models whose card does not ask for it.
    apart: folder of which a model sees no more than what is its own; reads: what it may read
    beside this program and what that stands on.
    """

    memory: int | None = None
    device: str | None = None
    output: Path | None = None
    network: Network = "withheld"
    apart: Path | None = None
    reads: tuple[Path, ...] = ()

    def limit(self, card: ModelCard) -> int:
        """Bytes that the model's processes may take together."""
        allowed = _FACTOR * card.resources.memory_mb << 20
        return allowed if self.memory is None else min(allowed, self.memory)

    def log(self, card: ModelCard) -> str:
        if self.output is None:
            return ""
        return str((self.output / f"{card.name}-{card.version}.log").resolve())

    def confinement(self, model: Loadable, folder: Path) -> Confinement:
        """folder: private to the process of the model."""
        if model.card.runtime.kind in _NOT_CONFINED:
            return Confinement("open")
        own = [model.folder] if model.folder else []
        if model.python:
            own.append(model.python.parents[1])  # the environment that it lies in
        network = "open" if model.card.resources.network else self.network
        return Confinement(network, allowed(own, folder, self.apart, self.reads))


class KeptProcess:
    """A model's process below its keeper.

    model: its paths hold from any working folder.
    connection: to the model. patience: seconds after which writing to it, or reading on in a
    message, is given up with BlockingIOError. memory: bytes that it may take.
    """

    def __init__(self, model: Loadable, surroundings: Surroundings, patience: float) -> None:
        card = model.card
        ours, theirs = socket.socketpair()
        for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            ours.setsockopt(socket.SOL_SOCKET, option, _timeval(patience))
        self.patience, self.memory = patience, surroundings.limit(card)
        folder = tempfile.mkdtemp(prefix="airgate-model-", dir=_place(card))
        confinement = surroundings.confinement(model, Path(folder)).told()
        told = [str(theirs.fileno()), folder, str(self.memory), confinement]
        told += [surroundings.log(card), *_at_end(card)]
        with theirs:
            self._process = subprocess.Popen(
                [*_PYTHON, "adapters.runtimes.keeper", *told],
                env=environment(model, folder, surroundings.device),
                stdin=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is the worker's to handle
            )
        self.connection = Connection(ours.detach())

    @property
    def pid(self) -> int:
        """Of the keeper."""
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def exit_code(self, seconds: float = _END_SECONDS) -> int:
        """Of the model, once it has ended by itself; negative for a signal."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()  # its pipe is closed, but it goes on: of no use any more
            return 0

    def stop(self) -> None:
        """Kill the model and whatever it started."""
        assert self._process.stdin is not None  # noqa: S101 (as it was started)
        self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.connection.close()


def environment(model: Loadable, folder: str, device: str | None) -> Mapping[str, str]:
    """What a model's process sees: nothing secret, a home of its own, as many threads as cores."""
    cores = len(os.sched_getaffinity(0))
    threads = str(min(model.card.resources.threads or cores, cores))
    runs_engine = isinstance(model.card.runtime, Container)
    wanted = (*_PASSED_ON, *_ENGINES_GET) if runs_engine else _PASSED_ON
    passed_on = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(wanted) and name not in pickles.SWITCHES
    }
    private = ("TMPDIR",) if runs_engine else ("HOME", "TMPDIR")
    return {
        **passed_on,
        **pickles.environment(allowed=model.pickles),
        **({} if device is None else {"CUDA_VISIBLE_DEVICES": device}),
        **dict.fromkeys(_THREADS, threads),
        **dict.fromkeys(private, folder),
        "PYTHONPATH": _import_path(),
        "PYTHONUNBUFFERED": "1",  # what it printed before a crash is in its log
    }


def not_withheld() -> list[str]:
    """What this machine's kernel does not let us withhold from models, in words."""
    told = subprocess.run(
        [*_PYTHON, "adapters.runtimes.confinement"],
        env={**os.environ, "PYTHONPATH": _import_path()},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.splitlines()


def _import_path() -> str:
    return os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)


def _place(card: ModelCard) -> str | None:
    """Where its private folder lies: containers of a cluster see one volume, None = anywhere."""
    return os.environ.get(MOUNT) if isinstance(card.runtime, Container) else None


def _at_end(card: ModelCard) -> Sequence[str]:
    """What ends the container that nobody else would end."""
    if not isinstance(card.runtime, Container):
        return ()
    return (*_PYTHON, "adapters.runtimes.containers.end")


def _timeval(seconds: float) -> bytes:
    return struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))

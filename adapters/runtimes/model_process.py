"""Runs a model, of whatever kind, in a warm child process of the worker.

A time-out is a kill, and a crash or an out-of-memory harms nobody else. The child decodes
while the next instances are fetched; only findings come back.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from adapters.runtimes import child, keeper
from adapters.runtimes.answers import read
from adapters.runtimes.errors import (
    ModelCrashed,
    ModelError,
    ModelFailed,
    ModelForked,
    ModelGarbled,
    ModelOutOfGpuMemory,
    ModelOutOfMemory,
    ModelServerAway,
    ModelTimedOut,
    ModelUnusable,
    NetworkNotWithheld,
)
from adapters.runtimes.kept_process import KeptProcess, Surroundings
from adapters.runtimes.loading import Loadable
from adapters.runtimes.usage import UNKNOWN, Memory
from ai_models.contract import NoResult
from standards.errors import UnfitSeries
from standards.findings import Findings

_LOOK_SECONDS = 0.5  # between two looks whether the work is still wanted
_START_SECONDS = 120.0  # importing torch on a cold disk takes a while
_LONGEST_ANSWER = 8 << 30  # bytes
# What a child says instead of findings -> what it means.
_ENDS: Mapping[str, Callable[..., Exception]] = {
    "no_result": NoResult,
    "refused": UnfitSeries,
    "failed": ModelFailed,
    "away": ModelServerAway,
}
Watch = Callable[[int], None]


@dataclass(frozen=True)
class Prediction:
    """findings, the seconds that loading pixels and predicting took, and the memory."""

    findings: Findings
    load_seconds: float
    predict_seconds: float
    memory: Memory = UNKNOWN


class ModelProcess:
    """Keeps the process of the last used model warm. For one caller at a time."""

    def __init__(self, surroundings: Surroundings = Surroundings()) -> None:
        self._surroundings = surroundings
        self._model: Loadable | None = None
        self._ready = False
        self._process: KeptProcess | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """Of the child's keeper, while there is one."""
        return self._process.pid if self._process is not None else None

    def predict(  # noqa: PLR0913 (what one run consists of)
        self,
        model: Loadable,
        instances: Iterable[bytes],
        timeout_seconds: float,
        *,
        name: str = "image",
        others: Mapping[str, Iterable[bytes]] | None = None,
        watch: Watch = lambda _: None,
    ) -> Prediction:
        """Run the model on one series, given as the files of its instances in any order.

        name: what the model's card calls this input. others: the series of its other inputs; of
            findings, what standards/findings_file.py wrote.

        Raises NoResult when the model refuses, UnfitSeries when the check of the series before it
        does; another ModelError otherwise; and whatever reading the instances raises.
        watch: called at least once a second with the percentage done; what it raises ends the
            model's process and is raised here.
        """
        self.warm_up(model, watch)
        self._send({name: instances, **(others or {})}, watch)
        kind, *rest = self._answer(timeout_seconds, watch)
        if kind == "findings":
            findings, load_seconds, predict_seconds, *memory = rest
            return Prediction(findings, load_seconds, predict_seconds, Memory(*memory))
        self._check_gpu(kind, model)
        if kind not in _ENDS:
            self._give_up(ModelGarbled(f"{kind} where an end was expected"))
        raise _ENDS[kind](*rest)

    def warm_up(self, model: Loadable, watch: Watch = lambda _: None) -> None:
        """Start the process and wait until the model is loaded, unless that is done already."""
        self.begin(model)
        if self._ready:
            return
        kind, *rest = self._answer(_START_SECONDS, watch)
        if kind != "ready":
            self._check_gpu(kind, model)
            if kind == "away":
                self._give_up(ModelServerAway(*rest))
            self._give_up(ModelUnusable(model.card.runtime.kind, rest[0] if rest else kind))
        self._ready = True

    def begin(self, model: Loadable) -> None:
        """Start the process without waiting for it, unless it runs already."""
        if self._model == model and self.is_alive:
            return
        self.stop()
        patience = model.card.resources.timeout_seconds
        sent = _from_anywhere(model)
        self._process, self._model = KeptProcess(sent, self._surroundings, patience), model
        try:
            self._process.connection.send(sent)
        except BrokenPipeError:
            self._crashed()

    def stop(self) -> None:
        """Kill the child and all that it started, whatever they are doing."""
        if self._process is not None:
            self._process.stop()
        self._process = self._model = None
        self._ready = False

    def _send(self, inputs: Mapping[str, Iterable[bytes]], watch: Watch) -> None:
        connection = self._kept.connection
        try:
            for name, instances in inputs.items():
                connection.send_bytes(name.encode())
                for content in instances:
                    watch(0)
                    connection.send_bytes(content)
                connection.send_bytes(child.END)
            connection.send_bytes(child.END)
        except (BrokenPipeError, ConnectionResetError):
            self._crashed()
        except BlockingIOError:  # it takes no file: it hangs, or has stopped itself
            self._timed_out(self._kept.patience)
        except UnfitSeries:
            connection.send_bytes(child.ABANDONED)  # the input is to blame: the model stays warm
            raise
        except BaseException:
            self.stop()  # half a series was sent: the child must never take it for a whole one
            raise

    def _answer(self, timeout_seconds: float, watch: Watch) -> tuple[Any, ...]:
        """The next message that is not about progress."""
        deadline, progress = time.monotonic() + timeout_seconds, 0
        while (left := deadline - time.monotonic()) > 0:
            message = self._message(min(left, _LOOK_SECONDS))
            if message and message[0] != "progress":
                return message
            progress = message[1] if message else progress
            try:
                watch(progress)
            except BaseException:
                self.stop()
                raise
        return self._timed_out(timeout_seconds)

    def _message(self, seconds: float) -> tuple[Any, ...]:
        """What the child says within so many seconds; empty when that is nothing."""
        connection = self._kept.connection
        try:
            return read(connection.recv_bytes(_LONGEST_ANSWER)) if connection.poll(seconds) else ()
        except (EOFError, ConnectionResetError):
            return self._crashed()
        except BlockingIOError:
            return self._give_up(ModelGarbled("half a message"))
        except ModelGarbled as garbled:
            return self._give_up(garbled)
        except OSError:  # what multiprocessing says of a length that cannot be
            return self._give_up(ModelGarbled("a message of impossible length"))

    def _check_gpu(self, kind: str, model: Loadable) -> None:
        """With the process all that it had of the GPU is given back."""
        if kind == "no_gpu_memory":
            limit = model.card.resources.gpu_memory_mb << 20
            self._give_up(ModelOutOfGpuMemory(limit))

    @property
    def _kept(self) -> KeptProcess:
        assert self._process is not None  # noqa: S101 (warm_up has made it)
        return self._process

    def _crashed(self) -> NoReturn:
        exit_code = self._kept.exit_code()
        ends: Mapping[int, ModelError] = {
            keeper.OUT_OF_MEMORY: ModelOutOfMemory(self._kept.memory),
            keeper.TOO_MANY_PROCESSES: ModelForked(keeper.MOST_PROCESSES),
            keeper.NETWORK_NOT_WITHHELD: NetworkNotWithheld(),
        }
        self._give_up(ends.get(exit_code, ModelCrashed(exit_code)))

    def _timed_out(self, seconds: float) -> NoReturn:
        self._give_up(ModelTimedOut(seconds))

    def _give_up(self, error: ModelError) -> NoReturn:
        """Nothing that this process may still say is wanted."""
        self.stop()
        raise error


def _from_anywhere(model: Loadable) -> Loadable:
    """The same for a process whose working folder is another."""
    folder = model.folder and model.folder.resolve()
    python = model.python and model.python.absolute()  # its link tells which environment it is of
    return replace(model, folder=folder, python=python)

"""Runs a model, of whatever kind, in a warm child process of the worker.

A time-out is a kill, and a crash or an out-of-memory harms nobody else. The child decodes
while the next instances are fetched; only findings come back.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from adapters.runtimes import child
from adapters.runtimes.errors import (
    ModelCrashed,
    ModelFailed,
    ModelServerAway,
    ModelTimedOut,
    ModelUnusable,
)
from adapters.runtimes.loading import Loadable
from ai_models.contract import NoResult
from standards.errors import UnfitSeries
from standards.findings import Findings

_LOOK_SECONDS = 0.5  # between two looks whether the work is still wanted
_START_SECONDS = 120.0  # importing torch on a cold disk takes a while
# What a child says instead of findings -> what it means.
_ENDS: Mapping[str, Callable[..., Exception]] = {
    "no_result": NoResult,
    "refused": UnfitSeries,
    "failed": ModelFailed,
    "away": ModelServerAway,
}
Watch = Callable[[int], None]

_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Prediction:
    """findings, and the seconds that loading pixels and predicting took."""

    findings: Findings
    load_seconds: float
    predict_seconds: float


class ModelProcess:
    """Keeps the process of the last used model warm. For one caller at a time."""

    def __init__(self) -> None:
        self._model: Loadable | None = None
        self._ready = False
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """Of the child, while there is one."""
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

        name: what the model's card calls this input. others: the series of its other inputs.

        Raises NoResult when the model refuses, UnfitSeries when the check of the series before it
        does; ModelFailed, ModelCrashed, ModelTimedOut, ModelUnusable, ModelServerAway otherwise;
        and whatever reading the instances raises.
        watch: called at least once a second with the percentage done; what it raises ends the
            model's process and is raised here.
        """
        self.warm_up(model, watch)
        self._send({name: instances, **(others or {})}, watch)
        kind, *rest = self._answer(timeout_seconds, watch)
        if kind == "findings":
            return Prediction(*rest)
        raise _ENDS[kind](*rest)

    def warm_up(self, model: Loadable, watch: Watch = lambda _: None) -> None:
        """Start the process and wait until the model is loaded, unless that is done already."""
        self.begin(model)
        if self._ready:
            return
        kind, *rest = self._answer(_START_SECONDS, watch)
        if kind != "ready":
            self.stop()
            if kind == "away":
                raise ModelServerAway(*rest)
            raise ModelUnusable(model.card.runtime.kind, rest[0])
        self._ready = True

    def begin(self, model: Loadable) -> None:
        """Start the process without waiting for it, unless it runs already."""
        if self._model == model and self._process is not None and self._process.is_alive():
            return
        self.stop()
        ours, theirs = _spawn.Pipe()
        self._process = _spawn.Process(
            target=child.serve,
            args=(theirs, model),
            name=f"model-{model.card.name}",
            daemon=True,
        )
        self._process.start()
        theirs.close()
        self._connection, self._model = ours, model

    def stop(self) -> None:
        """Kill the child, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = self._model = None
        self._ready = False

    def _send(self, inputs: Mapping[str, Iterable[bytes]], watch: Watch) -> None:
        assert self._connection is not None  # noqa: S101 (warm_up has made it)
        connection = self._connection
        try:
            for name, instances in inputs.items():
                connection.send_bytes(name.encode())
                for content in instances:
                    watch(0)
                    connection.send_bytes(content)
                connection.send_bytes(child.END)
            connection.send_bytes(child.END)
        except BrokenPipeError:
            self._crashed()
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
        self.stop()
        raise ModelTimedOut(timeout_seconds)

    def _message(self, seconds: float) -> tuple[Any, ...]:
        """What the child says within so many seconds; empty when that is nothing."""
        assert self._connection is not None  # noqa: S101
        try:
            return self._connection.recv() if self._connection.poll(seconds) else ()
        except EOFError:
            return self._crashed()

    def _crashed(self) -> tuple[Any, ...]:
        assert self._process is not None  # noqa: S101
        self._process.join(5)
        exit_code = self._process.exitcode
        self.stop()
        raise ModelCrashed(exit_code)

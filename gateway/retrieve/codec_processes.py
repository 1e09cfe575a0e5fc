"""Processes in which code streams are decoded and encoded.

The codecs are native code that meets bytes from anywhere: GDCM was seen to abort its whole process
on an odd image. Here that costs one answer and not the server, nor any other answer; and a codec,
which holds the interpreter lock, does not hold up the other requests.
"""

import multiprocessing
import os
import resource
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import Empty, LifoQueue
from typing import Any, TypeVar

PROCESSES = max(2, min(4, os.cpu_count() or 2))
LONGEST_SECONDS = 120.0  # for one frame; then the process is taken for stuck
LARGEST_MEMORY = 4 << 30  # bytes of data of one process, so that a bomb of a code stream ends early

T = TypeVar("T")
_CONTEXT = multiprocessing.get_context("spawn")  # a fork would copy held locks


class CodecFailed(Exception):
    """What a codec said, or that it crashed or did not end; as text, since it came from afar."""


class CodecProcesses:
    """Runs functions in processes, started at the first need and anew after one has died."""

    def __init__(self, most: int = PROCESSES) -> None:
        self._idle: LifoQueue[_Worker] = LifoQueue()
        self._free = threading.Semaphore(most)

    def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """The function's value. It and its arguments must be picklable. Raises CodecFailed."""
        with self._free:
            worker = self._worker()
            try:
                answer = worker.asked(function, arguments)
            except CodecFailed:
                worker.end()
                raise
            except BaseException:
                worker.end()  # its answer would be taken for that of the next question
                raise
            self._idle.put(worker)
        succeeded, value = answer
        if not succeeded:
            raise CodecFailed(value)
        return value

    def _worker(self) -> "_Worker":
        try:
            return self._idle.get_nowait()
        except Empty:
            return _Worker.started()


@dataclass(frozen=True, slots=True)
class _Worker:
    process: SpawnProcess
    connection: Connection

    @staticmethod
    def started() -> "_Worker":
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=_serve, args=(theirs,), name="codec", daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def asked(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        try:
            self.connection.send((function, arguments))
            if not self.connection.poll(LONGEST_SECONDS):
                raise CodecFailed("the codec did not end")
            return self.connection.recv()
        except (EOFError, ConnectionError) as error:
            raise CodecFailed("the codec crashed on them") from error

    def end(self) -> None:
        self.process.kill()  # a stuck codec ends no other way
        self.connection.close()
        self.process.join()


def _serve(connection: Connection) -> None:
    """Run in each process: answer until the server closes its end, or ends itself."""
    _end_with_parent()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    least = LARGEST_MEMORY if hard == resource.RLIM_INFINITY else min(LARGEST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (least, hard))
    with suppress(EOFError, ConnectionError):
        while True:
            function, arguments = connection.recv()
            connection.send(_tried(function, arguments))


def _tried(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, function(*arguments)
    except Exception as error:  # codecs of five packages, each with errors of its own
        return False, f"{type(error).__name__}: {error}"


def _end_with_parent() -> None:
    """A server that is killed leaves no codec behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(0)), daemon=True).start()


codecs = CodecProcesses()

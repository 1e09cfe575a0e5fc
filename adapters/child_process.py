"""A child process that is minded: started, started again when it dies, stopped with its parent."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_BACK_OFF_SECONDS = (0.2, 0.5, 1, 2, 5, 10)
_LIVED_WELL_SECONDS = 30.0  # after so long, the next death starts the back-off anew


def end_with_parent(sign: int) -> None:
    """Ask Linux to send this process the signal when its parent dies, so that none is orphaned.

    To be called in the child; it lasts over exec. The parent's *thread* that started the child
    must live as long as the child.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sign)


class MindedProcess:
    """Runs a command until `stop`, restarting it with growing pauses.

    stop_seconds: how long it may take to end after SIGTERM before it is killed.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        stop_seconds: float = 10,
    ) -> None:
        self._name, self._command = name, list(command)
        self._environment = {**os.environ, **(environment or {})}
        self._stop_seconds = stop_seconds
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._minder = threading.Thread(target=self._mind, name=f"mind-{name}", daemon=True)

    def start(self) -> None:
        self._minder.start()

    def stop(self) -> None:
        """End the process and wait for it."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
        self._minder.join(self._stop_seconds)
        if process is not None and process.poll() is None:
            log.warning("killing a child that does not end", extra={"child": self._name})
            process.kill()
            process.wait()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _mind(self) -> None:
        deaths = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "adapters.child_process", *self._command],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the parent, which stops the child in order
            )
            if self._stopping.is_set():
                self._process.terminate()
            exit_code = self._process.wait()
            if self._stopping.is_set():
                return
            lived_well = time.monotonic() - started > _LIVED_WELL_SECONDS
            deaths = 1 if lived_well else deaths + 1
            log.warning("child died", extra={"child": self._name, "exit_code": exit_code})
            self._stopping.wait(_BACK_OFF_SECONDS[min(deaths, len(_BACK_OFF_SECONDS)) - 1])


def _become(command: list[str]) -> None:
    """Turn into the command, which then ends with the parent (a preexec_fn is no way beside
    threads).
    """
    end_with_parent(signal.SIGTERM)
    os.execvp(command[0], command)  # noqa: S606 (no shell on purpose)


if __name__ == "__main__":
    _become(sys.argv[1:])

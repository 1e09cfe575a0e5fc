"""The parent of a model's process: it watches what the model takes, and ends all that it started.

    python -m adapters.runtimes.keeper CONNECTION FOLDER MEMORY CONFINEMENT OUTPUT [COMMAND ...]

CONNECTION: descriptor of the model's end of the pipe. FOLDER: private to the model, removed at the
end. MEMORY: bytes that the model and all that it starts may take together. CONFINEMENT: what they
may reach (adapters/runtimes/confinement.py). OUTPUT: file that gets the end of what they print;
empty = it goes where the keeper's own goes. COMMAND: run once all have ended, where some of what
the model starts is nobody's child here: a container.

What the model leaves behind becomes a child of the keeper (PR_SET_CHILD_SUBREAPER), however it was
started, and so nothing outlives it. The keeper ends when its standard input does, with its worker.
"""

import contextlib
import ctypes
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from adapters.child_process import end_with_parent
from adapters.process_tree import children, descendants
from adapters.runtimes.bounded_log import BoundedLog
from adapters.runtimes.confinement import Confinement, NotWithheld

# Exit codes; those of models are rarely above 128.
OUT_OF_MEMORY, TOO_MANY_PROCESSES, NETWORK_NOT_WITHHELD = 201, 202, 203
MOST_PROCESSES = 256  # RLIMIT_NPROC counts all of a user, so it would hit others
_OPEN_FILES = 4096
_LOOK_SECONDS = 0.1
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_PAGE = resource.getpagesize()
_AT_ONCE = 65_536  # bytes of output


def main(arguments: Sequence[str]) -> None:
    connection, folder, memory = int(arguments[0]), Path(arguments[1]), int(arguments[2])
    confinement = Confinement.read(arguments[3])
    log = BoundedLog(Path(arguments[4])) if arguments[4] else None
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _limit()
    os.chdir(folder)
    printed, printing = os.pipe()
    model = os.fork()
    if model == 0:
        os.close(printed)
        _serve(connection, confinement, printing if log else None)
        sys.exit()
    os.close(connection)
    os.close(printing)
    exit_code = _watch(model, memory, printed, log)
    _end_all()
    if command := arguments[5:]:
        subprocess.run(command, check=False, stdin=subprocess.DEVNULL)
    if log:
        log.close()
    shutil.rmtree(folder, ignore_errors=True)
    _exit_like(exit_code)


def _limit() -> None:
    """No image of memory with patient data on a disk, and no more files than a model needs."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _serve(connection: int, confinement: Confinement, output: int | None) -> None:
    """Become the model's process. output: unset = where the keeper's goes."""
    os.setsid()
    try:
        confinement.enter()
    except NotWithheld:
        sys.exit(NETWORK_NOT_WITHHELD)
    end_with_parent(signal.SIGKILL)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    for stream in (1, 2):
        if output is not None:
            os.dup2(output, stream)
    from adapters.runtimes import child  # noqa: PLC0415 (the keeper itself stays small)

    child.serve(Connection(connection))


def _watch(model: int, memory: int, printed: int, log: BoundedLog | None) -> int:
    """Until the model ends or must: its exit code, as subprocess has it; 0 when it was asked to."""
    ended, waiting = os.pidfd_open(model), [0, printed]
    next_look = 0.0
    while True:
        ready, _, _ = select.select([*waiting, ended], [], [], _LOOK_SECONDS)
        if 0 in ready:
            return 0
        if printed in ready and not _keep(printed, log):
            waiting.remove(printed)
        if ended in ready and printed not in ready:  # its last words first
            return os.waitstatus_to_exitcode(os.waitpid(model, 0)[1])
        if time.monotonic() < next_look:
            continue
        next_look = time.monotonic() + _LOOK_SECONDS
        _reap(but=model)
        family = list(descendants(os.getpid()))
        if len(family) > MOST_PROCESSES:
            return TOO_MANY_PROCESSES
        if _taken(family) > memory:
            return OUT_OF_MEMORY


def _keep(printed: int, log: BoundedLog | None) -> bool:
    """False at the end."""
    content = os.read(printed, _AT_ONCE)
    if content and log:
        log.write(content)
    return bool(content)


def _reap(but: int) -> None:
    for pid in children(os.getpid()):
        if pid != but:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _end_all() -> None:
    """Kill whatever is below until nothing is; orphans come to us meanwhile."""
    while True:
        for pid in list(descendants(os.getpid())):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _taken(family: Sequence[int]) -> int:
    """Bytes of memory. What forked processes share is counted once, which takes time to find."""
    resident = sum(_resident(pid) for pid in family)
    return resident if len(family) == 1 else min(resident, sum(map(_proportional, family)))


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    """Pss: pages that n processes share count as 1/n."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _exit_like(code: int) -> None:
    """End as the model did, by the same signal if it was one."""
    if code < 0:
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 1)


if __name__ == "__main__":
    main(sys.argv[1:])

"""How a process without an event loop of its own waits for its end."""

import signal
import socket


class StopSignal:
    """Waits for SIGTERM or SIGINT. To be made in the main thread, before anything starts.

    A handler that sets a threading.Event can meet itself when two signals come at once, and then
    waits for its own lock for ever; what Python writes to a wake-up socket cannot.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, _note)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def wait(self) -> None:
        self._reader.recv(1)


def _note(_sign: int, _frame: object) -> None:
    """The wake-up socket tells; a handler must be there for Python to write to it."""

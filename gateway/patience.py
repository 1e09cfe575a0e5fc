"""How long the gateway waits for the rest of a request body (RFC 9110 15.5.9)."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import GatewayError


class TooSlow(GatewayError):
    """Nothing of a request body came for too long."""

    status = 408

    def __init__(self, seconds: float) -> None:
        self.headers = {"Connection": "close"}
        super().__init__(
            f"nothing of the request body came for {seconds:g} s; nothing was stored, send it again"
        )


class PatienceMiddleware:
    """Raises TooSlow within whoever reads a body of which nothing comes for so many seconds."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        patient = _Patient(receive, self._seconds)
        try:
            await self.app(scope, patient, send)
        finally:
            patient.end()


class _Patient:
    """Receives until the body is whole. One timer serves all of it: a large body comes in
    thousands of pieces, and a timer for each would cost a twentieth of its time.
    """

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive, self._seconds = receive, seconds
        self._loop = asyncio.get_running_loop()
        self._whole = self._given_up = False
        self._waiting: asyncio.Task[object] | None = None
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self) -> Message:
        if self._whole:  # now it is waited for the client to go away
            return await self._receive()
        self._waiting, self._since = asyncio.current_task(), self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            if not self._given_up or self._waiting is None or self._waiting.uncancel():
                raise  # somebody else wants the task to end
            raise TooSlow(self._seconds) from None
        finally:
            self._waiting = None
        if not message.get("more_body", False):
            self._whole = True
            self.end()
        return message

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        """The time is up, unless something came meanwhile."""
        left = self._seconds
        if self._waiting is not None:
            left = self._since + self._seconds - self._loop.time()
            if left <= 0:
                self._given_up = True
                self._waiting.cancel()
                return
        self._timer = self._loop.call_later(left, self._look)

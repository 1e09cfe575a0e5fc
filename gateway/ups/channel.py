"""The event channel of an AE: a WebSocket that carries its event reports (PS3.18 8.10.4, 8.10.5).

Reports wait in the database, not here: a few are read, sent and forgotten, then the next, so a slow
client costs no memory, and one that was away goes on where it was. Of several WebSockets of one AE
the one opened last is served: a client that comes back does not wait behind its dead connection.
"""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Sequence

from sqlalchemy import delete, select
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.access import is_still_admitted
from gateway.store.database import Database
from gateway.store.tables import EventChannelRow, NotificationRow
from gateway.ups.notifications import is_subscribed
from standards.ups_events import MESSAGE_ID, status_change

POLL_SECONDS = 0.2
AT_ONCE = 100  # reports in memory
SEND_SECONDS = 30.0  # for one report, to a client that does not read
CLOSE_SECONDS = 5.0
LONGEST_SECONDS = 3600.0  # then it is opened anew
ADMISSION_SECONDS = 1.0

# close codes (RFC 6455 7.4, IANA)
GOING_DOWN, NOT_ADMITTED, OPEN_AGAIN = 1001, 1008, 1012
REPLACED, TOO_SLOW = 4001, 4002

_Report = tuple[int, str]  # id, DICOM JSON

log = logging.getLogger(__name__)


class Channels:
    """Those that are open in this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open = 0
        self._ending = False

    async def serve(self, socket: WebSocket, aet: str) -> None:
        """Send the reports of the AE until either side ends it, or its token is good no more."""
        connection = uuid.uuid4().hex
        await run_in_threadpool(_open, self._database, aet, connection)
        await socket.accept()
        self._open += 1
        sending = asyncio.create_task(self._send_on(socket, aet, connection))
        guarding = asyncio.create_task(_until_refused(socket))
        listening = asyncio.create_task(_until_closed(socket))
        tasks = (listening, guarding, sending)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                end = await (guarding if guarding.done() else sending)
                await _stopped(sending)
                await asyncio.wait_for(socket.close(*end), CLOSE_SECONDS)
        except (WebSocketDisconnect, TimeoutError):
            log.info("an event channel was left by its client", extra={"aet": aet})
        finally:
            self._open -= 1
            await _stopped(*tasks)

    async def end(self, seconds: float) -> None:
        """Tell subscribers that the server goes down (PS3.4 CC.2.4), and wait until they know.

        seconds:  for all of them together; whoever is slower is not told.
        """
        self._ending = True
        ends_at = time.monotonic() + seconds
        while self._open and time.monotonic() < ends_at:
            await asyncio.sleep(POLL_SECONDS)

    async def _send_on(self, socket: WebSocket, aet: str, connection: str) -> tuple[int, str]:
        """The close code and reason it ends with."""
        database, numbered = self._database, _Numbered(socket)
        ends_at = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < ends_at:
            is_ending = self._ending  # what waits at this moment goes first
            reports = await run_in_threadpool(_waiting, database, aet, connection)
            if reports is None:
                return REPLACED, "another connection of this AE was opened"
            sent: list[int] = []
            try:
                for number, report in reports:
                    await numbered.send(report)
                    sent.append(number)
                if is_ending and not reports:
                    if await run_in_threadpool(is_subscribed, database, aet):
                        await numbered.send(json.dumps(status_change("GOING DOWN")))
                    return GOING_DOWN, "the server goes down"
            except TimeoutError:
                return TOO_SLOW, "an event report was not taken in time"
            finally:
                if sent:
                    await run_in_threadpool(_forget, database, sent)
            if not reports:
                await asyncio.sleep(POLL_SECONDS)
        return OPEN_AGAIN, "open a new connection"


class _Numbered:
    """Sends data sets, with Message IDs that count the reports of one connection."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._last = 0

    async def send(self, report: str) -> None:
        """Raises TimeoutError when the client does not take it."""
        self._last = self._last % 0xFFFF + 1
        with_id = {**json.loads(report), MESSAGE_ID: {"vr": "US", "Value": [self._last]}}
        frame = json.dumps(dict(sorted(with_id.items())), ensure_ascii=False, separators=(",", ":"))
        async with asyncio.timeout(SEND_SECONDS):
            await self._socket.send_text(frame)


async def _until_refused(socket: WebSocket) -> tuple[int, str]:
    while await is_still_admitted(socket):
        await asyncio.sleep(ADMISSION_SECONDS)
    return NOT_ADMITTED, "the token was revoked or has expired"


async def _stopped(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _until_closed(socket: WebSocket) -> None:
    """Whatever the client says is passed over."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _open(database: Database, aet: str, connection: str) -> None:
    with database.write() as session:
        session.merge(EventChannelRow(aet=aet, connection=connection, opened_at=time.time()))


def _waiting(database: Database, aet: str, connection: str) -> Sequence[_Report] | None:
    """The next reports; None where another connection has taken over."""
    query = select(NotificationRow.id, NotificationRow.report).where(NotificationRow.aet == aet)
    with database.read() as session:
        channel = session.get(EventChannelRow, aet)
        if channel is None or channel.connection != connection:
            return None
        found = session.execute(query.order_by(NotificationRow.id).limit(AT_ONCE))
        return [(number, report) for number, report in found]


def _forget(database: Database, numbers: Sequence[int]) -> None:
    with database.write() as session:
        session.execute(delete(NotificationRow).where(NotificationRow.id.in_(numbers)))

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

from gateway.store.database import Database
from gateway.store.tables import EventChannelRow, NotificationRow
from standards.ups_events import MESSAGE_ID

POLL_SECONDS = 0.2
AT_ONCE = 100  # reports in memory
SEND_SECONDS = 30.0  # for one report, to a client that does not read
CLOSE_SECONDS = 5.0
LONGEST_SECONDS = 3600.0  # then it is opened anew, by a token that must still be good

REPLACED, TOO_SLOW, OPEN_AGAIN = 4001, 4002, 1012  # close codes (RFC 6455 7.4, IANA)

_Report = tuple[int, str]  # id, DICOM JSON

log = logging.getLogger(__name__)


async def serve(socket: WebSocket, database: Database, aet: str) -> None:
    """Send the reports of the AE until either side ends it."""
    connection = uuid.uuid4().hex
    await run_in_threadpool(_open, database, aet, connection)
    await socket.accept()
    sending = asyncio.create_task(_send_on(socket, database, aet, connection))
    listening = asyncio.create_task(_until_closed(socket))
    try:
        await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            await asyncio.wait_for(socket.close(*await sending), CLOSE_SECONDS)
    except (WebSocketDisconnect, TimeoutError):
        log.info("an event channel was left by its client", extra={"aet": aet})
    finally:
        for task in (sending, listening):
            task.cancel()
        await asyncio.gather(sending, listening, return_exceptions=True)


async def _send_on(
    socket: WebSocket, database: Database, aet: str, connection: str
) -> tuple[int, str]:
    """The close code and reason it ends with."""
    ends_at = time.monotonic() + LONGEST_SECONDS
    message_id = 0
    while time.monotonic() < ends_at:
        reports = await run_in_threadpool(_waiting, database, aet, connection)
        if reports is None:
            return REPLACED, "another connection of this AE was opened"
        sent: list[int] = []
        try:
            for number, report in reports:
                message_id = message_id % 0xFFFF + 1
                async with asyncio.timeout(SEND_SECONDS):
                    await socket.send_text(_numbered(report, message_id))
                sent.append(number)
        except TimeoutError:
            return TOO_SLOW, "an event report was not taken in time"
        finally:
            if sent:
                await run_in_threadpool(_forget, database, sent)
        if not reports:
            await asyncio.sleep(POLL_SECONDS)
    return OPEN_AGAIN, "open a new connection"


async def _until_closed(socket: WebSocket) -> None:
    """Whatever the client says is passed over."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _numbered(report: str, message_id: int) -> str:
    with_id = {**json.loads(report), MESSAGE_ID: {"vr": "US", "Value": [message_id]}}
    return json.dumps(dict(sorted(with_id.items())), ensure_ascii=False, separators=(",", ":"))


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

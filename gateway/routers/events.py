"""Events as they happen (server-sent events, WHATWG HTML 9.2), of one study or of all."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from gateway.access import access_of, is_still_admitted, staff_only
from gateway.deps import LARGEST, DatabaseOf
from gateway.feed import Feed
from gateway.routers.studies import EventView, is_of_patient, known_study
from gateway.store.database import Database
from gateway.store.tables import EventRow

router = APIRouter(prefix="/api/v1", tags=["studies"])

After = Annotated[int | None, Query(ge=0, le=LARGEST, description="id of the last known event")]
LastEventId = Annotated[int | None, Header(ge=0, le=LARGEST, description="goes before `after`")]

RETRY_MS = 2000  # a browser whose connection broke comes back after so long
LIFE_SECONDS = 600.0  # then it comes back, to whichever process is there by then
HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # or a proxy would hold events back until its buffer is full
}


class EventStream(StreamingResponse):
    media_type = "text/event-stream"


@router.get("/events", response_class=EventStream, dependencies=[Depends(staff_only)])
def all_events(
    request: Request, after: After = None, last_event_id: LastEventId = None
) -> EventStream:
    """The events of all studies as they happen; the data of each is one event of a trace as JSON.

    Without `after` only what comes from now on is told. The stream ends after some minutes; a
    client resumes with Last-Event-ID, as EventSource does by itself, and misses nothing.
    """
    return _stream(request, after, last_event_id, None)


@router.get("/studies/{study_instance_uid}/events", response_class=EventStream)
def events_of_study(
    study_instance_uid: str,
    request: Request,
    database: DatabaseOf,
    after: After = None,
    last_event_id: LastEventId = None,
) -> EventStream:
    """The events of one study as they happen; see `/api/v1/events`.

    Also for a token of the study's patient; to it, the studies of others are unknown (404).
    """
    known_study(database, study_instance_uid, access_of(request).patient_id)
    return _stream(request, after, last_event_id, study_instance_uid)


def _stream(
    request: Request, after: int | None, last_event_id: int | None, study: str | None
) -> EventStream:
    feed: Feed = request.app.state.feed
    known = after if last_event_id is None else last_event_id
    pages = feed.follow(known, study)
    return EventStream(_messages(pages, partial(_may_go_on, request, study)), headers=HEADERS)


async def _messages(
    pages: AsyncIterator[Sequence[EventRow]], may_go_on: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    ends_at = time.monotonic() + LIFE_SECONDS
    yield f"retry: {RETRY_MS}\n\n"
    async for page in pages:
        if not await may_go_on():
            return
        yield "".join(map(_message, page)) or ": still here\n\n"
        if time.monotonic() > ends_at:
            return


async def _may_go_on(request: Request, study: str | None) -> bool:
    """Tokens are revoked while a stream is open, and studies given to another patient."""
    if not await is_still_admitted(request):
        return False
    patient_id = access_of(request).patient_id
    if patient_id is None or study is None:
        return True
    database: Database = request.app.state.services.database
    return await run_in_threadpool(is_of_patient, database, study, patient_id)


def _message(row: EventRow) -> str:
    """JSON has no line ends of its own, so that one data line holds it."""
    return f"id: {row.id}\ndata: {EventView.of(row).model_dump_json()}\n\n"

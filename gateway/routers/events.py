"""Events as they happen (server-sent events, WHATWG HTML 9.2), of one study or of all."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from gateway.deps import LARGEST, DatabaseOf
from gateway.feed import Feed
from gateway.routers.studies import EventView, known_study
from gateway.store.tables import EventRow

router = APIRouter(prefix="/api/v1", tags=["studies"])

After = Annotated[int | None, Query(ge=0, le=LARGEST, description="id of the last known event")]
LastEventId = Annotated[int | None, Header(ge=0, le=LARGEST, description="goes before `after`")]

RETRY_MS = 2000  # a browser whose connection broke comes back after so long
LIFE_SECONDS = 600.0  # then it must sign in anew, lest it outlives a token that was revoked
HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # or a proxy would hold events back until its buffer is full
}


class EventStream(StreamingResponse):
    media_type = "text/event-stream"


@router.get("/events", response_class=EventStream)
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
    """The events of one study as they happen; see `/api/v1/events`."""
    known_study(database, study_instance_uid)
    return _stream(request, after, last_event_id, study_instance_uid)


def _stream(
    request: Request, after: int | None, last_event_id: int | None, study: str | None
) -> EventStream:
    feed: Feed = request.app.state.feed
    known = after if last_event_id is None else last_event_id
    return EventStream(_messages(feed.follow(known, study)), headers=HEADERS)


async def _messages(pages: AsyncIterator[Sequence[EventRow]]) -> AsyncIterator[str]:
    ends_at = time.monotonic() + LIFE_SECONDS
    yield f"retry: {RETRY_MS}\n\n"
    async for page in pages:
        yield "".join(map(_message, page)) or ": still here\n\n"
        if time.monotonic() > ends_at:
            return


def _message(row: EventRow) -> str:
    """JSON has no line ends of its own, so that one data line holds it."""
    return f"id: {row.id}\ndata: {EventView.of(row).model_dump_json()}\n\n"

"""Studies service, Store transaction: STOW-RS (PS3.18 10.5)."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from gateway.body import Body, body_of
from gateway.body_coding import content_coding, decoded
from gateway.ingest import Part, Reception, Refused, Source, StoreOutcome
from gateway.public_url import public_root
from gateway.services import Services
from gateway.store_answer import AnswerForm, answer_form
from gateway.web_errors import DicomWebError
from standards.media_types import parse_media_type
from standards.uids import is_uid

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb"])

RETRY_SECONDS = "5"


class BrokenOff(DicomWebError):
    def __init__(self) -> None:
        super().__init__("the connection ended before the body did; nothing was stored")


@router.post("/studies")
async def store_instances(request: Request) -> Response:
    """Store instances of any studies; all or nothing unless the whole body arrived."""
    return await _store(request, None)


@router.post("/studies/{study}")
async def store_instances_of_study(request: Request, study: str) -> Response:
    """Store instances of this study; those of another one are refused."""
    if not is_uid(study):
        raise DicomWebError("the study in the path is not a UID (digits and dots, 64 at most)")
    return await _store(request, study)


async def _store(request: Request, study_instance_uid: str | None) -> Response:
    """What can be refused by the head of the request is, before a client that waits for
    `100 Continue` sends its body."""
    services: Services = request.app.state.services
    form = answer_form(request.headers.get("accept", ""))
    coding = content_coding(request.headers.get("content-encoding", ""))
    media_type = parse_media_type(request.headers.get("content-type", ""))
    source = Source(source_address=request.client.host if request.client else "")
    reception = Reception(services.ingest, source, study_instance_uid)
    largest = services.settings.maximum_inflated_mb << 20
    try:
        with body_of(media_type, services.settings, services.ingest.memory) as body:
            await _read(decoded(request.stream(), coding, largest), body, reception)
        outcome = await run_in_threadpool(reception.finish)
    except ClientDisconnect as error:
        raise BrokenOff from error
    finally:
        await run_in_threadpool(reception.close)
    return _answer(outcome, public_root(request, services.settings), form)


async def _read(chunks: AsyncIterator[bytes], body: Body, reception: Reception) -> None:
    """Archive parts while the rest still arrives, with a bounded number under way."""
    async for chunk in chunks:
        for part in body.feed(chunk):
            await _hand_over(part, reception)
    parts = body.finish()
    while (part := await run_in_threadpool(next, parts, None)) is not None:
        await _hand_over(part, reception)


async def _hand_over(part: Part | Refused, reception: Reception) -> None:
    earlier = reception.add(part)
    if earlier is not None and not earlier.done():
        await asyncio.wait([asyncio.wrap_future(earlier)])


def _answer(outcome: StoreOutcome, root: str, form: AnswerForm) -> Response:
    result = outcome.result
    studies_url = f"{root}/dicom-web/studies"
    headers = {}
    if result.warning:
        headers["Warning"] = f"299 {studies_url}: {result.warning}"
    if result.status == 503:
        headers["Retry-After"] = RETRY_SECONDS
    content_type, content = form(result.dataset(studies_url))
    return Response(content, result.status, headers, media_type=content_type)

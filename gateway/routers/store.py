"""Studies service, Store transaction: STOW-RS (PS3.18 10.5)."""

import asyncio

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from gateway.body import Body, UnsupportedBody
from gateway.ingest import Reception, Source, StoreOutcome
from gateway.public_url import public_root
from gateway.services import Services
from gateway.web_errors import DicomWebError
from standards.dicom_json import dumps
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
    services: Services = request.app.state.services
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise UnsupportedBody(f"{encoding}-encoded")
    media_type = parse_media_type(request.headers.get("content-type", ""))
    reception = Reception(services.ingest, Source(), study_instance_uid)
    try:
        with Body(media_type, services.settings) as body:
            await _read(request, body, reception)
        outcome = await run_in_threadpool(reception.finish)
    except ClientDisconnect as error:
        raise BrokenOff from error
    finally:
        await run_in_threadpool(reception.close)
    return _answer(outcome, public_root(request, services.settings))


async def _read(request: Request, body: Body, reception: Reception) -> None:
    """Archive parts while the rest still arrives, with a bounded number under way."""
    async for chunk in request.stream():
        for part in body.feed(chunk):
            if (earlier := reception.add(part)) is not None:
                await asyncio.wait([asyncio.wrap_future(earlier)])
    for part in body.finish():
        reception.add(part)


def _answer(outcome: StoreOutcome, root: str) -> Response:
    result = outcome.result
    studies_url = f"{root}/dicom-web/studies"
    headers = {}
    if result.warning:
        headers["Warning"] = f"299 {studies_url}: {result.warning}"
    if result.status == 503:
        headers["Retry-After"] = RETRY_SECONDS
    return Response(
        dumps(result.dataset(studies_url)),
        result.status,
        headers,
        media_type="application/dicom+json",
    )

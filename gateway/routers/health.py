"""Probes and metrics; the only paths that need no token."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text

from adapters.errors import ArchiveUnavailable
from gateway.deps import ServicesOf
from gateway.metrics import exposition

router = APIRouter(tags=["health"])


@router.get("/health/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/health/ready")
def ready(services: ServicesOf) -> JSONResponse:
    """A study sent now would be kept: 200; else 503 with what is missing."""
    with services.database.read() as session:
        session.execute(text("SELECT 1"))
    try:
        archive = services.archive.check()
    except ArchiveUnavailable as error:
        return JSONResponse({"status": "not ready", "archive": str(error)}, 503)
    return JSONResponse({"status": "ready", "archive": archive})


@router.get("/metrics")
def metrics(services: ServicesOf) -> Response:
    """Prometheus text exposition."""
    return Response(exposition(services), media_type=CONTENT_TYPE_LATEST)

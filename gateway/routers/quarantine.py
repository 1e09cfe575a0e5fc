"""What was sent but could not be kept, with the reason.

The bytes lie in <data>/quarantine, or where they were found: in the archive.
"""

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import BaseModel
from sqlalchemy import select

from gateway.deps import DatabaseOf, RowId, ServicesOf, paged
from gateway.errors import NotFound
from gateway.quarantine import archive_key
from gateway.store.tables import QuarantineRow

router = APIRouter(prefix="/api/v1/quarantine", tags=["quarantine"])


class QuarantineView(BaseModel):
    id: int
    study_instance_uid: str
    sop_instance_uid: str
    reason: str
    size: int
    received_at: float


@router.get("")
def quarantined(database: DatabaseOf, limit: int = 100, offset: int = 0) -> list[QuarantineView]:
    query = select(QuarantineRow).order_by(QuarantineRow.id.desc())
    with database.read() as session:
        rows = session.scalars(paged(query, limit, offset))
        return [QuarantineView.model_validate(row, from_attributes=True) for row in rows]


@router.get("/{quarantine_id}/bytes")
def content(quarantine_id: RowId, services: ServicesOf) -> Response:
    """The bytes as they came."""
    with services.database.read() as session:
        row = session.get(QuarantineRow, quarantine_id)
    if row is None:
        raise NotFound("quarantined instance", str(quarantine_id))
    media_type = "application/octet-stream"
    if (key := archive_key(row.path)) is None:
        return FileResponse(row.path, media_type=media_type)
    (held,) = services.archive.held([key]) or (None,)
    if held is None:
        raise NotFound("quarantined instance", str(quarantine_id))
    return StreamingResponse(services.archive.stream(key), media_type=media_type)

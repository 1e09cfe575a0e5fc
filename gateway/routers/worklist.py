"""UPS-RS: the transactions on workitems (PS3.18 11.4 to 11.9)."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from gateway.access import access_of
from gateway.data_set_forms import wanted_form, written
from gateway.deps import DatabaseOf, PublicRoot, ServicesOf
from gateway.search.query_string import pairs
from gateway.ups import operations
from gateway.ups.requests import data_set, transaction_uid, workitem_uid
from gateway.ups.search import search
from standards.ups_attributes import STATE
from standards.ups_rules import text_of
from standards.ups_transitions import (
    ALREADY,
    CREATED_WITH_MODIFICATIONS,
    UPDATED_WITH_MODIFICATIONS,
    State,
    requested_state,
)

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb worklist"])

DataSet = Annotated[dict[str, Any], Depends(data_set)]


@router.post("/workitems")
def create(request: Request, given: DataSet, database: DatabaseOf, root: PublicRoot) -> Response:
    """Create a workitem in state SCHEDULED."""
    uid = workitem_uid(request, given)
    modified = operations.create(database, uid, given, access_of(request).name)
    url = f"{root}/dicom-web/workitems/{uid}"
    warning = CREATED_WITH_MODIFICATIONS if modified else ""
    return _told(root, 201, warning, {"Location": url, "Content-Location": url})


@router.get("/workitems")
def search_workitems(request: Request, services: ServicesOf, root: PublicRoot) -> Response:
    """The workitems that match, what is to begin first at the head."""
    form = wanted_form(request, "search results")
    query, settings = pairs(request.scope["query_string"]), services.settings
    found = search(services.database, query, settings.search_seconds)
    if not found.results and settings.empty_search == "204":
        return Response(status_code=204)
    response = written(found.results, form)
    if found.remaining:
        response.headers["Warning"] = found.warning(root)
    return response


@router.get("/workitems/{workitem_uid}")
def retrieve(request: Request, workitem_uid: str, database: DatabaseOf) -> Response:
    """A workitem. The Transaction UID is never part of it."""
    form = wanted_form(request, "a workitem")
    return written([operations.retrieve(database, workitem_uid)], form)


@router.post("/workitems/{workitem_uid}")
def update(
    request: Request, workitem_uid: str, given: DataSet, database: DatabaseOf, root: PublicRoot
) -> Response:
    """Set attributes of a workitem: of a claimed one by who holds its Transaction UID."""
    owner = transaction_uid(request, given)
    modified = operations.update(database, workitem_uid, owner, given)
    return _told(root, 200, UPDATED_WITH_MODIFICATIONS if modified else "")


@router.put("/workitems/{workitem_uid}/state")
def change_state(
    request: Request, workitem_uid: str, given: DataSet, database: DatabaseOf, root: PublicRoot
) -> Response:
    """Claim, complete or cancel a workitem."""
    wanted, owner = requested_state(text_of(given, STATE)), transaction_uid(request, given)
    name = access_of(request).name
    changed = operations.change_state(database, workitem_uid, wanted, owner, name)
    return _told(root, 200, "" if changed else ALREADY[wanted])


@router.post("/workitems/{workitem_uid}/cancelrequest")
def request_cancel(
    request: Request, workitem_uid: str, given: DataSet, database: DatabaseOf, root: PublicRoot
) -> Response:
    """Ask that a workitem be canceled by whoever performs it."""
    name = access_of(request).name
    asked = operations.request_cancel(database, workitem_uid, given, name)
    return _told(root, 202, "" if asked else ALREADY[State.CANCELED])


def _told(
    root: str, status: int, warning: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Success has no payload, and at most a Warning."""
    response = Response(status_code=status, headers=headers)
    if warning:
        response.headers["Warning"] = f"299 {root}/dicom-web: {warning}"
    return response

"""UPS-RS: who is told of workitems, and the WebSocket they are told by (PS3.18 11.10, 8.10.4)."""

from urllib.parse import quote

from fastapi import APIRouter, Request, Response, WebSocket

from gateway.access import Role, access_of
from gateway.deps import DatabaseOf, PublicRoot
from gateway.problems import problem
from gateway.ups import subscriptions
from gateway.ups.channel import Channels
from gateway.ups.subscriptions import ae_title, asked_for, is_ae_title

router = APIRouter(prefix="/dicom-web", tags=["DICOMweb worklist"])

_SUBSCRIBER = "/workitems/{workitem_uid}/subscribers/{aetitle}"
_UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade"}


@router.post(_SUBSCRIBER)
def subscribe(
    request: Request, workitem_uid: str, aetitle: str, database: DatabaseOf, root: PublicRoot
) -> Response:
    """Tell an AE of a workitem, or of all or some by the well-known UIDs of the worklist."""
    title = ae_title(aetitle)
    lock, filter = asked_for(request.scope["query_string"])
    subscriptions.subscribe(database, workitem_uid, title, lock=lock, filter=filter)
    scheme, _, rest = root.partition("://")
    url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}/dicom-web/subscribers/{quote(title)}"
    return Response(status_code=201, headers={"Content-Location": url})


@router.delete(_SUBSCRIBER)
def unsubscribe(workitem_uid: str, aetitle: str, database: DatabaseOf) -> Response:
    """Tell an AE no more."""
    subscriptions.unsubscribe(database, workitem_uid, ae_title(aetitle))
    return Response(status_code=200)


@router.post(_SUBSCRIBER + "/suspend")
def suspend(workitem_uid: str, aetitle: str, database: DatabaseOf) -> Response:
    """Go on telling an AE of the workitems there are, but not of new ones."""
    subscriptions.suspend(database, workitem_uid, ae_title(aetitle))
    return Response(status_code=200)


@router.get("/subscribers/{aetitle}")
def not_upgraded(aetitle: str) -> Response:
    """The event channel of an AE is a WebSocket."""
    ae_title(aetitle)
    return problem(426, "this resource is a WebSocket (RFC 6455); open it with ws or wss", _UPGRADE)


@router.websocket("/subscribers/{aetitle}")
async def open_channel(socket: WebSocket, aetitle: str) -> None:
    """Event reports, one DICOM JSON data set in each text frame."""
    if access_of(socket).role is Role.PATIENT or not is_ae_title(aetitle):
        await socket.close(1008)  # before it is open: HTTP 403
        return
    channels: Channels = socket.app.state.channels
    await channels.serve(socket, ae_title(aetitle))

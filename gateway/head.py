"""HEAD for every resource that has GET (RFC 9110 9.3.2): the same head, and no body."""

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SERVICE = "/dicom-web/"


def is_head(request: Request) -> bool:
    """Whether only the head of the answer is wanted, so that nothing need be read for its body."""
    return getattr(request.state, "is_head", False)


class HeadMiddleware:
    """Lets the endpoints of the DICOMweb services answer HEAD as they answer GET.

    Whatever body they still give goes no further.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_head_of_service(scope):
            await self.app(scope, receive, send)
            return
        as_get = {**scope, "method": "GET"}
        as_get["state"] = {**scope.get("state", {}), "is_head": True}

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app(as_get, receive, send_head)


def _is_head_of_service(scope: Scope) -> bool:
    return scope["method"] == "HEAD" and scope["path"].startswith(_SERVICE)

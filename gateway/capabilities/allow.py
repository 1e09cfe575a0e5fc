"""405 with all the methods that a resource has (RFC 9110 15.5.6).

Each router knows its own routes only, and would name the methods of one of them.
"""

from starlette.datastructures import MutableHeaders
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.capabilities.transactions import PREFIX, TRANSACTIONS, methods_of

_RESOURCES = [
    (compile_path(PREFIX + path)[0], ", ".join(methods_of(path)))
    for path in dict.fromkeys(path for _, path in TRANSACTIONS)
]


def allowed(path: str) -> str | None:
    """What Allow says of a path; None where there is no such resource."""
    return next((methods for pattern, methods in _RESOURCES if pattern.match(path)), None)


class AllowMiddleware:
    """Puts right the Allow header of the DICOMweb services."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                methods = allowed(scope["path"])
                if methods is not None:
                    MutableHeaders(scope=message)["Allow"] = methods
            await send(message)

        is_service = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await self.app(scope, receive, send_allowed if is_service else send)

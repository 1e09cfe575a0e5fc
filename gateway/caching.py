"""What caches may keep of answers about patients (RFC 9111 5.2.2, RFC 9110 12.5.5)."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.public_url import LINK_HEADERS

SERVICES = ("/dicom-web/", "/air/", "/fhir/", "/api/")
# Kept by the client's own cache alone, and asked about each time: the next request must carry a
# token that may still see it, and what it names may be deleted meanwhile.
WITH_TAG = "private, no-cache"
WITHOUT_TAG = "no-store"


class CachingMiddleware:
    """Tells caches of every answer of a service whether to keep it, and what it depends on.

    public_url: AIRGATE_PUBLIC_URL; without it, links follow what proxies say of the request.
    """

    def __init__(self, app: ASGIApp, public_url: str | None = None) -> None:
        self.app = app
        self._vary = ["Accept", *(() if public_url else LINK_HEADERS)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(SERVICES):
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", WITH_TAG if "etag" in headers else WITHOUT_TAG)
                for name in self._vary:
                    headers.add_vary_header(name)
            await send(message)

        await self.app(scope, receive, send_with_headers)

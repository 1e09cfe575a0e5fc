"""Pages of other origins that may read answers here: CORS (Fetch standard, 3.2)."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# What a page may send beside the headers that every page may, and what of an answer it may read.
SENT = (
    "Accept",
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "Prefer",
    "Range",
)
READ = (
    "Accept-Ranges",
    "Content-Length",
    "Content-Location",
    "Content-Range",
    "ETag",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "Warning",
)
PREFLIGHT_SECONDS = 600


class CrossOriginMiddleware(CORSMiddleware):
    """Answers the preflight requests of allowed origins; a preflight carries no token.

    All other requests go on to sign-in, with the preflights of other origins among them. Cookies
    are never allowed across origins: a page elsewhere signs in with a token, or not at all.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=READ,
            allow_credentials=False,
            max_age=PREFLIGHT_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_preflight(scope) and not self.is_allowed_origin(Headers(scope=scope)["origin"]):
            await self.app(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


def is_preflight(scope: Scope) -> bool:
    """OPTIONS as a browser sends it by itself, and not a request for capabilities."""
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    headers = Headers(scope=scope)
    return "origin" in headers and "access-control-request-method" in headers

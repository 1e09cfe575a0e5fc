"""Who may come in: a bearer token, or a browser session made from one, and what it opens.

Pure ASGI, so that uploads and frames go on streaming through it. RFC 6750 for bearer tokens.
"""

import logging
import os
import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.access import Access
from gateway.errors import NotConfigured
from gateway.session import Sessions
from gateway.settings import Settings
from gateway.tokens import Credentials, Tokens

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/health/live", "/health/ready", "/metrics", "/ui/login"})
OPEN_FOLDER = "/ui/static/"  # the style sheet of the sign-in page; nothing in it is private
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SHORT_TOKEN = 16


class UnusableToken(NotConfigured):
    """The token of the settings, or of the token file, cannot serve as one."""

    def __init__(self, origin: str, found: str) -> None:
        self.origin, self.found = origin, found
        super().__init__(
            f"{origin} holds {found}; expected one line of visible ASCII characters, at best 32 or "
            "more drawn at random. Remove it, and a good one is made at the next start"
        )


def load_or_make_token(settings: Settings) -> str:
    """The administrator token: of the settings, else of `<data>/token`, made there when missing.

    The file is readable by its owner only. Raises UnusableToken for an empty or unprintable one.
    """
    if settings.token is not None:
        return _usable(settings.token, "AIRGATE_TOKEN")
    path = settings.data / "token"
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(32))
    path.chmod(0o600)
    return _usable(path.read_text("utf-8").strip(), str(path))


def _write_once(path: Path, token: str) -> None:
    """Make the file whole or not at all; of two processes that start together, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"token.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        log.info("another process made the token first; using that one")
    finally:
        draft.unlink()


def _usable(token: str, origin: str) -> str:
    if not token:
        raise UnusableToken(origin, "nothing")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UnusableToken(origin, "blanks or characters that no HTTP header carries")
    if len(token) < SHORT_TOKEN:
        log.warning("%s is shorter than %d characters and can be guessed", origin, SHORT_TOKEN)
    return token


class AuthMiddleware:
    """Lets through what carries a token or its session, and answers 401 to the rest.

    token:  the administrator's.   tokens:  the others, if there are any.
    public_url:  the root that browsers use behind a proxy; its origin counts as our own.
    What the token may do is `request.state.access`, and `is_still_admitted` asks again; the sign-in
    page finds `Sessions` and `Credentials` beside it.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str,
        *,
        tokens: Tokens | None = None,
        public_url: str | None = None,
    ) -> None:
        self.app = app
        self.sessions = Sessions(token, public_url)
        self.credentials = Credentials(token, tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["sessions"], state["credentials"] = self.sessions, self.credentials
        refusal = await self._refusal(scope, Headers(scope=scope))
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "not signed in"})
        else:
            await refusal(scope, receive, send)

    async def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if _is_open(scope["path"]):
            return None
        access, by_session = await self._access(headers)
        if access is None:
            return _unauthorized(scope, headers)
        scope["state"]["access"] = access
        scope["state"]["admission"] = partial(self._access, headers)
        # A cookie comes along whoever wrote the request, so a change must prove where it was made.
        reads_only = scope.get("method", "") in SAFE_METHODS  # a WebSocket has no method
        if not by_session or reads_only or self.sessions.is_same_origin(scope, headers):
            return None
        return _forbidden(scope)

    async def _access(self, headers: Headers) -> tuple[Access | None, bool]:
        """What the bearer token of a request, else its session, opens; whether the session did."""
        bearer = _bearer(headers)
        if bearer is not None:
            access = await self._opened(self.credentials.subject_of(bearer))
            if access is not None:
                return access, False
        subject = self._session_subject(headers)
        return (None if subject is None else await self._opened(subject)), True

    async def _opened(self, subject: str) -> Access | None:
        is_known, access = self.credentials.remembered(subject)
        if is_known:
            return access
        return await run_in_threadpool(self.credentials.access, subject)

    def _session_subject(self, headers: Headers) -> str | None:
        cookies: Mapping[str, str] = cookie_parser(headers.get("cookie", ""))
        return self.sessions.subject_of(cookies.get(self.sessions.cookie_name, ""))


def _bearer(headers: Headers) -> str | None:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDER)


def _unauthorized(scope: Scope, headers: Headers) -> Response:
    path = scope["path"]
    wants_page = "text/html" in headers.get("accept", "")
    if wants_page and scope.get("method") in ("GET", "HEAD"):
        query = scope.get("query_string", b"").decode("latin-1")
        here = quote(path) + (f"?{query}" if query else "")
        target = f"/ui/login?next={quote(here, safe='')}"
        return RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})
    # RFC 6750 3.1: no error code where no credentials came at all.
    challenge = 'Bearer realm="airgate"'
    if "authorization" in headers:
        challenge += ', error="invalid_token"'
    detail = "send a token as `Authorization: Bearer ...`, or sign in at /ui/login"
    response = _problem(path, 401, "Unauthorized", "login", detail)
    response.headers["WWW-Authenticate"] = challenge
    return response


def _forbidden(scope: Scope) -> Response:
    detail = (
        "this change came with a browser session but not from a page of this gateway; "
        "use its own pages, or send the token as `Authorization: Bearer ...`"
    )
    return _problem(scope["path"], 403, "Forbidden", "forbidden", detail)


def _problem(path: str, status: int, title: str, fhir_code: str, detail: str) -> JSONResponse:
    """RFC 9457 problem details; below /fhir/ an OperationOutcome, as FHIR R4 3.1.0.1.5 asks."""
    if path.startswith("/fhir/"):
        issue = {"severity": "error", "code": fhir_code, "diagnostics": detail}
        body: dict[str, object] = {"resourceType": "OperationOutcome", "issue": [issue]}
        media_type = "application/fhir+json"
    else:
        body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        media_type = "application/problem+json"
    return JSONResponse(body, status, {"Cache-Control": "no-store"}, media_type)


def local_path(target: str) -> str:
    """`target` if it is a path of this very server, else the console: no open redirect."""
    readable = target.isascii() and target.isprintable()  # browsers drop tabs and line ends
    if readable and target.startswith("/") and target[1:2] not in ("/", "\\"):
        return target
    return "/ui/"

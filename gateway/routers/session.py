"""Signing in to the console and the viewer with a token, and out again."""

from urllib.parse import parse_qsl

from fastapi import APIRouter, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from gateway.auth import local_path
from gateway.console.pages import page
from gateway.session import Sessions
from gateway.tokens import Credentials

router = APIRouter(prefix="/ui", include_in_schema=False)
LONGEST_FORM = 8192  # bytes; whoever posts here has not signed in yet


@router.get("/login")
def sign_in_page(request: Request, next: str = "/ui/") -> Response:
    return page(request, "login.html", {"next": local_path(next), "problem": ""})


@router.post("/login")
async def sign_in(request: Request) -> Response:
    """Exchange the token for a session cookie, and go where the user was heading."""
    sessions: Sessions = request.state.sessions
    if sessions.is_foreign(request.scope, request.headers):
        raise HTTPException(403, "sign in from the gateway's own page at /ui/login")
    form = await _form(request)
    target = local_path(form.get("next", ""))
    address = request.client.host if request.client else ""
    wait = sessions.attempts.wait_seconds(address)
    if wait > 0:
        problem = f"Too many wrong tokens. Try again in {wait:.0f} s."
        answer = page(request, "login.html", {"next": target, "problem": problem}, status_code=429)
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer
    credentials: Credentials = request.state.credentials
    subject = credentials.subject_of(form.get("token", "").strip())
    if await run_in_threadpool(credentials.access, subject) is None:
        sessions.attempts.failed(address)
        problem = "This is no token of this gateway, or it has expired."
        return page(request, "login.html", {"next": target, "problem": problem}, status_code=403)
    sessions.attempts.succeeded(address)
    response = RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})
    sessions.start(request.scope, response, subject)
    return response


@router.post("/logout")
def sign_out(request: Request) -> Response:
    sessions: Sessions = request.state.sessions
    response = RedirectResponse("/ui/login", 303, headers={"Cache-Control": "no-store"})
    sessions.end(request.scope, response)
    return response


async def _form(request: Request) -> dict[str, str]:
    """An application/x-www-form-urlencoded body that is read no further than it may be long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            raise HTTPException(413, f"a sign-in form has at most {LONGEST_FORM} bytes")
    return dict(parse_qsl(body.decode("utf-8", "replace")))

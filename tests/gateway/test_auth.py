"""The door: what opens it, what does not, and that it leaves streams alone."""

import stat

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.auth import AuthMiddleware, UnusableToken, load_or_make_token, local_path
from gateway.routers import session
from gateway.session import LIFETIME_SECONDS, Attempts, Sessions
from gateway.settings import Settings

TOKEN = "a-token-that-nobody-guesses-1234"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SOCKET = "ws://gateway.test:8080/events"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def guarded(public_url: str | None = None) -> AuthMiddleware:
    app = FastAPI()
    app.include_router(session.router)

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def inside(path: str, request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.websocket("/events")
    async def events(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    return AuthMiddleware(app, TOKEN, public_url=public_url)


def client(base_url: str = "http://gateway.test:8080", public_url: str | None = None) -> TestClient:
    return TestClient(guarded(public_url), base_url=base_url, follow_redirects=False)


def signed_in(base_url: str = "http://gateway.test:8080", **kwargs) -> TestClient:
    browser = client(base_url, **kwargs)
    answer = browser.post("/ui/login", data={"token": TOKEN, "next": "/ui/studies/1.2.3"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/ui/studies/1.2.3"
    return browser


def test_the_token_opens_and_its_absence_is_a_problem_document_with_a_challenge():
    assert client().get("/dicom-web/studies", headers=BEARER).status_code == 200

    refused = client().get("/dicom-web/studies")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Bearer realm="airgate"'
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["status"] == 401


@pytest.mark.parametrize(
    "value",
    ["Bearer wrong", "Bearer", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \u00fc\u00df"],
)
def test_anything_but_the_token_is_refused(value):
    headers = {"Authorization": value.encode("utf-8")}
    refused = client().get("/api/v1/models", headers=headers)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/ui/static/x.css"])
def test_probes_and_the_style_sheet_are_open(path):
    assert client().get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/health",
        "/health/live/",
        "/metrics/x",
        "/ui/",
        "/ui/logins",
        "/ui/staticx",
        "//metrics",
    ],
)
def test_what_only_looks_like_an_open_path_is_closed(path):
    assert client().get(path).status_code == 401


def test_below_fhir_a_refusal_is_an_operation_outcome():
    refused = client().get("/fhir/r4/Observation")
    assert refused.headers["content-type"] == "application/fhir+json"
    assert refused.json()["resourceType"] == "OperationOutcome"


def test_a_browser_is_sent_to_sign_in_and_comes_back_to_where_it_was():
    sent = client().get("/viewer?StudyInstanceUIDs=1.2&x=%26", headers=BROWSER)
    assert sent.status_code == 303
    assert sent.headers["cache-control"] == "no-store"
    page = client().get(sent.headers["location"])
    assert page.status_code == 200
    assert 'value="/viewer?StudyInstanceUIDs=1.2&amp;x=%26"' in page.text


def test_a_session_opens_for_the_browser_and_its_cookie_is_kept_from_scripts_and_other_sites():
    browser = client()
    answer = browser.post("/ui/login", data={"token": f" {TOKEN}\n", "next": "/"})
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=lax", "Path=/", f"Max-Age={LIFETIME_SECONDS}"):
        assert part in cookie
    assert "Secure" not in cookie
    assert TOKEN not in cookie
    assert browser.get("/dicom-web/studies").status_code == 200


def test_over_https_or_behind_an_https_proxy_the_cookie_is_secure():
    for door in (client("https://gateway.test"), client(public_url="https://pacs.example/")):
        answer = door.post("/ui/login", data={"token": TOKEN})
        assert "Secure" in answer.headers["set-cookie"]


def test_signing_out_ends_the_session_in_the_browser():
    browser = signed_in()
    out = browser.post("/ui/logout", headers={"Sec-Fetch-Site": "same-origin"})
    assert out.headers["location"] == "/ui/login"
    assert browser.get("/dicom-web/studies").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://gateway.test:8080"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://gateway.test:8080"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://gateway.test:9090"}, 403),
        ({"Origin": "https://gateway.test:8080"}, 403),
        ({"Origin": "http://gateway.test:99999"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_a_change_by_cookie_must_come_from_our_own_pages(headers, status):
    assert signed_in().post("/api/v1/rules", headers=headers).status_code == status


def test_behind_a_proxy_the_public_origin_is_ours_too():
    browser = signed_in("https://inner.test:8443", public_url="https://pacs.example/airgate")
    own = browser.post("/api/v1/rules", headers={"Origin": "https://pacs.example"})
    assert own.status_code == 200


def test_the_bearer_token_needs_no_origin():
    assert client().post("/api/v1/rules", headers=BEARER).status_code == 200


def test_a_session_that_was_changed_or_made_from_another_token_is_refused():
    for session_text in ("", "x", "9999999999.abc.", "9999999999.abc.00", "é.1.2"):
        assert Sessions(TOKEN).subject_of(session_text) is None
    browser = signed_in()
    (cookie,) = browser.cookies.jar
    assert Sessions(TOKEN).subject_of(cookie.value) == "administrator"
    assert Sessions(TOKEN + "2").subject_of(cookie.value) is None
    assert Sessions(TOKEN).subject_of("9" + cookie.value[1:]) is None


def test_a_session_ends_after_twelve_hours():
    now = [1000.0]
    sessions = Sessions(TOKEN, clock=lambda: now[0])
    answer = Response()
    sessions.start({"type": "http", "scheme": "http"}, answer, "administrator")
    value = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    now[0] += LIFETIME_SECONDS - 1
    assert sessions.subject_of(value) == "administrator"
    now[0] += 2
    assert sessions.subject_of(value) is None


def test_guessing_is_slowed_and_the_right_token_has_to_wait_too():
    browser = client()
    for _ in range(5):
        wrong = browser.post("/ui/login", data={"token": "guess"})
        assert wrong.status_code == 403
        assert "This is no token of this gateway" in wrong.text
    slowed = browser.post("/ui/login", data={"token": TOKEN})
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) >= 1


def test_each_further_guess_waits_twice_as_long_up_to_a_minute():
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for _ in range(6):
        attempts.failed("a")
    assert attempts.wait_seconds("a") == 2.0
    assert attempts.wait_seconds("b") == 0.0
    for _ in range(5000):
        attempts.failed("a")
    assert attempts.wait_seconds("a") == 60.0
    now[0] += 60
    assert attempts.wait_seconds("a") == 0.0
    attempts.succeeded("a")
    attempts.failed("a")
    assert attempts.wait_seconds("a") == 0.0


def test_another_site_cannot_sign_a_browser_in_or_use_up_its_attempts():
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert client().post("/ui/login", data={"token": TOKEN}, headers=foreign).status_code == 403


def test_a_sign_in_form_is_read_no_further_than_it_may_be_long():
    assert client().post("/ui/login", content=b"token=" + b"x" * 10_000).status_code == 413


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\n/evil.example",
        "/\t/evil.example",
        "http:/evil",
        "ui/",
        "",
        "//[",
    ],
)
def test_signing_in_never_leads_to_another_site(target):
    assert local_path(target) == "/ui/"
    answer = client().post("/ui/login", data={"token": TOKEN, "next": target})
    assert answer.headers["location"] == "/ui/"


def test_a_websocket_needs_the_token_or_a_session_of_our_own_pages():
    with client().websocket_connect("/events", headers=BEARER) as socket:
        assert socket.receive_text() == "hello"
    with pytest.raises(WebSocketDisconnect), client().websocket_connect("/events"):
        pass
    browser = signed_in()
    with browser.websocket_connect(
        SOCKET, headers={"Origin": "http://gateway.test:8080"}
    ) as socket:
        assert socket.receive_text() == "hello"
    with (
        pytest.raises(WebSocketDisconnect),
        browser.websocket_connect(SOCKET, headers={"Origin": "http://evil.example"}),
    ):
        pass


@pytest.mark.anyio
async def test_an_upload_streams_through_and_a_refused_one_is_not_read():
    read = []

    async def body():
        for number in range(100):
            read.append(number)
            yield b"x" * 1000

    transport = httpx.ASGITransport(guarded())
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
        kept = await http.post("/dicom-web/studies", content=body(), headers=BEARER)
        assert kept.json() == {"bytes": 100_000}
        read.clear()
        refused = await http.post("/dicom-web/studies", content=body())
    assert refused.status_code == 401
    assert read == []


def test_the_token_is_made_once_for_the_owner_alone(tmp_path):
    settings = Settings(data=tmp_path / "new")
    token = load_or_make_token(settings)
    path = tmp_path / "new" / "token"
    assert len(token) >= 40
    assert load_or_make_token(settings) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["token"]
    path.chmod(0o644)
    load_or_make_token(settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_token_of_the_settings_is_used_and_not_written_down(tmp_path):
    assert load_or_make_token(Settings(data=tmp_path, token=TOKEN)) == TOKEN
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("token", ["", "two words", "naïve-token-with-umlaut", "line\nbreak"])
def test_a_token_that_no_header_can_carry_is_refused_with_advice(tmp_path, token):
    with pytest.raises(UnusableToken, match="AIRGATE_TOKEN holds"):
        load_or_make_token(Settings(data=tmp_path, token=token))


def test_an_empty_token_file_is_refused_and_named(tmp_path):
    (tmp_path / "token").write_text("\n")
    with pytest.raises(UnusableToken, match="token holds nothing"):
        load_or_make_token(Settings(data=tmp_path))

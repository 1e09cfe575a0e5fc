"""The viewer's site on the gateway's origin: which path is whose, and how files are sent."""

import gzip

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gateway.routers import ohif
from tests.gateway.console_example import gateway

HASHED = "app.bundle.0f6159c501addfe9.js"
HASHED_ONLY = "5130ccb17e3f3f5b.wasm"


@pytest.fixture
def app(tmp_path):
    site = tmp_path / "ohif"
    (site / "assets").mkdir(parents=True)
    (site / "index.html").write_text("<title>OHIF Viewer</title>")
    (site / "app-config.js").write_text("window.config = {theirs: true}")
    (site / HASHED).write_text("/* code */")
    (site / HASHED_ONLY).write_bytes(b"\0asm")
    (site / f"{HASHED}.gz").write_bytes(gzip.compress(b"/* code */"))
    (site / "assets" / "favicon.ico").write_bytes(b"ico")
    (tmp_path / "secret.txt").write_text("secret")
    return gateway(tmp_path)


@pytest.fixture
def browser(app):
    return TestClient(app)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/viewer?StudyInstanceUIDs=1.2",
        "/segmentation",
        "/tmtv",
        "/viewer/dicomweb",
        "/local",
        "/apiary",
        "/health-check",
    ],
)
def test_the_viewers_own_routes_get_its_page(browser, path):
    page = browser.get(path)
    assert page.status_code == 200
    assert "OHIF Viewer" in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert "connect-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    ["/dicom-web/nothing", "/air/x", "/fhir/r9/x", "/api/v9", "/health", "/metrics/x", "/ui/x/y"],
)
def test_an_unknown_path_of_the_gateway_is_not_the_viewers_page(browser, path):
    assert browser.get(path).status_code == 404


def test_a_path_of_the_gateway_with_another_method_stays_its_own():
    app = FastAPI()

    @app.post("/dicom-web/studies")
    def stow() -> dict[str, bool]:
        return {"stored": True}

    app.include_router(ohif.router)
    assert TestClient(app).get("/dicom-web/studies").status_code == 405


def test_files_with_a_hash_in_their_name_are_kept_for_good_and_others_are_asked_for_again(browser):
    for name, media_type in ((HASHED, "text/javascript"), (HASHED_ONLY, "application/wasm")):
        answer = browser.get(f"/{name}")
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith(media_type)
    icon = browser.get("/assets/favicon.ico")
    assert icon.headers["cache-control"] == "no-cache"
    again = browser.get("/assets/favicon.ico", headers={"If-None-Match": icon.headers["etag"]})
    assert again.status_code == 304


def test_the_settings_are_ours_and_name_nothing_but_this_origin(browser):
    config = browser.get("/app-config.js")
    assert config.headers["content-type"].startswith("text/javascript")
    assert "theirs" not in config.text
    assert "wadoRoot: '/dicom-web'" in config.text
    assert "https://" not in config.text
    assert "not a medical device" in config.text


@pytest.mark.parametrize(
    "path",
    [
        "/missing.js",
        "/assets/missing.png",
        "/%2e%2e/secret.txt",
        "/a%00.js",
        "/" + "x" * 999 + ".js",
    ],
)
def test_a_missing_file_is_not_answered_with_a_page(browser, path):
    assert browser.get(path).status_code == 404


def test_a_compressed_twin_is_sent_to_who_takes_it_as_what_it_was_made_from(browser):
    packed = browser.get(f"/{HASHED}", headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-type"].startswith("text/javascript")
    plain = browser.get(f"/{HASHED}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == "/* code */"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.headers["etag"] != plain.headers["etag"]


def test_a_head_request_gets_headers_alone(browser):
    answer = browser.head(f"/{HASHED}", headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len("/* code */"))
    assert answer.content == b""


def test_without_its_site_the_page_says_what_fetches_it(tmp_path):
    answer = TestClient(gateway(tmp_path)).get("/viewer")
    assert answer.status_code == 503
    assert "make setup" in answer.text

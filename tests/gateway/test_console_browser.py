"""The console in a real browser: signing in, pages that keep up to date, no outside calls."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Page, expect

from gateway.auth import AuthMiddleware
from gateway.feed import Feed
from gateway.models.tries import RULE as TRY
from gateway.routers import events, session
from gateway.store.events import note
from gateway.store.tables import BatchLineRow, BatchRow, WorkitemRow
from tests.browser import chromium, new_page
from tests.gateway.console_example import RESULTS, STUDY, WORKITEM, fill, gateway
from tests.postgresql import free_port

pytestmark = pytest.mark.browser
TOKEN = "a-token-for-the-browser-test"


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The app behind its door on a free port of this machine, in a thread."""
    app.include_router(session.router)
    port = free_port()
    config = uvicorn.Config(AuthMiddleware(app, TOKEN), port=port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def ending(feed: Feed) -> Iterator[None]:
    """Streams have no end of their own, and the server waits for them."""
    try:
        yield
    finally:
        feed.end()


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield new_page(browser, 390, 844)


def sign_in(page: Page, url: str, path: str) -> None:
    page.goto(url + path)
    page.fill("#token", TOKEN)
    page.click("main button")
    page.wait_for_url(url + path)


def test_signing_in_leads_back_and_the_page_shows_the_result_when_it_comes(tmp_path, page):
    app = gateway(tmp_path)
    database = app.state.services.database
    fill(database, ended=False)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    with served(app) as url:
        sign_in(page, url, f"/ui/studies/{STUDY}")
        page.get_by_text("in progress", exact=True).wait_for()
        with database.write() as rows:
            item = rows.get(WorkitemRow, WORKITEM)
            assert item is not None
            item.procedure_step_state, item.outcome = "COMPLETED", "DONE"
            item.results = json.dumps({**RESULTS, "objects": []})  # no image to draw here
        page.get_by_text("Mean Attenuation Coefficient").first.wait_for(timeout=10_000)
        assert not page.locator("main[data-live]").count()
        wider_than_the_window = page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not wider_than_the_window
        assert {address.startswith(url) for address in requested} == {True}
    assert [text for text in complaints if "Content Security Policy" in text] == []


def test_a_page_that_listens_to_events_shows_progress_and_the_end_at_once(tmp_path, page):
    app = gateway(tmp_path)
    database = app.state.services.database
    app.state.feed = Feed(database)
    app.include_router(events.router)
    fill(database, ended=False)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with served(app) as url, ending(app.state.feed):
        sign_in(page, url, f"/ui/studies/{STUDY}")
        with page.expect_request(f"{url}/ui/studies/{STUDY}"):
            pass  # it asks once more when the stream is open, and then waits for events
        page.wait_for_timeout(500)
        before = len(asked)
        with database.write() as session:
            detail = {"percent": 77, "step": "model"}
            note(session, STUDY, "progress", detail, workitem_uid=WORKITEM)
        expect(page.locator("progress")).to_have_js_property("value", 77)
        assert asked[before:] == []
        with database.write() as session:
            item = session.get_one(WorkitemRow, WORKITEM)
            item.procedure_step_state, item.outcome = "COMPLETED", "DONE"
            note(session, STUDY, "done", workitem_uid=WORKITEM)
        page.get_by_text("Done", exact=True).first.wait_for(timeout=10_000)
        assert not page.locator("main[data-live]").count()


def test_the_page_of_a_model_shows_how_a_try_goes_on_and_leaves_what_is_being_written(
    tmp_path, page
):
    app = gateway(tmp_path)
    database = app.state.services.database
    fill(database, ended=False)
    with database.write() as rows:
        rows.get_one(WorkitemRow, WORKITEM).rule = TRY
    with served(app) as url:
        sign_in(page, url, "/ui/models/lung_ct/1.0.0")
        page.fill("#note", "because it is better")
        with database.write() as rows:
            rows.get_one(WorkitemRow, WORKITEM).progress = 77
        expect(page.locator("#tried progress")).to_have_js_property("value", 77)
        with database.write() as rows:
            item = rows.get_one(WorkitemRow, WORKITEM)
            item.procedure_step_state, item.outcome = "COMPLETED", "DONE"
            item.ended_at = time.time()
        expect(page.locator("#tried .badge")).to_have_text("done")
        expect(page.locator("#tried progress")).to_have_count(0)
        assert not page.locator("[data-live]").count()
        assert page.input_value("#note") == "because it is better"


def test_signing_out_closes_the_console(tmp_path, page):
    with served(gateway(tmp_path)) as url:
        sign_in(page, url, "/ui/")
        page.click("text=Sign out")
        page.wait_for_url(f"{url}/ui/login")
        page.goto(f"{url}/ui/models")
        assert page.url == f"{url}/ui/login?next=%2Fui%2Fmodels"


def test_a_batch_is_paused_resumed_and_canceled_by_its_buttons(tmp_path, page):
    app = gateway(tmp_path)
    database = app.state.services.database
    with database.write() as session:
        session.add(batch_row("b1", lines=1))
        session.flush()
        session.add(BatchLineRow(batch_id="b1", number=1, wanted="1.2.3", state="WAITING"))
    with served(app) as url:
        sign_in(page, url, "/ui/batches")
        expect(page.get_by_text(re.compile(r"0 % of 1 line$"))).to_be_visible()
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("paused", exact=True)).to_be_visible()
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("running", exact=True)).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator(".badge.canceled")).to_have_text("canceled")
        with page.expect_request(f"{url}/ui/batches"):
            pass  # the page has asked for itself again
        expect(page.locator(".badge.canceled")).to_have_text("canceled")
        expect(page.get_by_text(re.compile(r"100 % of 1 line$"))).to_be_visible()
        expect(page.get_by_role("button", name="Pause")).to_have_count(0)


def batch_row(identifier: str, lines: int) -> BatchRow:
    return BatchRow(
        id=identifier,
        model_name="lung_ct",
        model_version="1.0.0",
        stage="shadow",
        kind="study",
        state="RUNNING",
        lines=lines,
        created_by="administrator",
        created_at=time.time(),
    )

"""Headless Chromium, as Debian ships it, driven by Playwright."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.serving import OHIF, Gateway

# WebGL on the CPU; and nothing of its own that wants the internet.
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def skip_without_ohif() -> None:
    if not (OHIF / "index.html").is_file():
        pytest.skip("OHIF's site is not here; `make setup` fetches it")


@contextmanager
def chromium(more_options: Sequence[str] = ()) -> Iterator[Browser]:
    """A browser; skips where no Chromium is installed. One at a time (Playwright's own limit)."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=[*OPTIONS, *more_options]
        )
        try:
            yield browser
        finally:
            browser.close()


def new_context(
    browser: Browser, width: int = 1400, height: int = 900, *, bypass_csp: bool = False
) -> BrowserContext:
    """A session with no cookies; OHIF's tour for newcomers, which lies over the images, is off."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, bypass_csp=bypass_csp
    )
    context.add_init_script("localStorage.setItem('shownTours', '[\"basicViewerTour\"]')")
    return context


def new_page(browser: Browser, width: int = 1400, height: int = 900) -> Page:
    """The only page of a new session."""
    return new_context(browser, width, height).new_page()


def sign_in(page: Page, gateway: Gateway) -> None:
    page.goto(f"{gateway.url}/ui/login")
    page.fill("input[type=password]", gateway.token)
    page.press("input[type=password]", "Enter")
    page.wait_for_url(f"{gateway.url}/ui/")

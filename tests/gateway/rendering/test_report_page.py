"""A report in a real browser: its style is applied, its words do nothing, its links lead on."""

import pytest

from tests.browser import chromium, new_page
from tests.gateway.rendering.example_study import HOSTILE, series_url

pytestmark = pytest.mark.browser


def test_a_hostile_report_is_only_read(study_url):
    """SC-38"""
    with chromium() as browser:
        page = new_page(browser)
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.on("dialog", lambda dialog: told.append(dialog.message))
        page.on("request", lambda request: told.append(request.url))

        page.goto(f"{study_url}{series_url(4, 1)}/rendered")

        assert HOSTILE in page.inner_text("body")
        assert page.locator("script, img, iframe").count() == 0
        style = "getComputedStyle(document.querySelector('.banner')).display"
        assert page.evaluate(style) == "flex"
        assert told == [f"{study_url}{series_url(4, 1)}/rendered"]

        page.click("a")

        assert page.url == f"{study_url}{series_url(2, 3)}/rendered"
        assert page.evaluate("document.images[0].naturalWidth") == 30

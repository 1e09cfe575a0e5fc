"""Real OHIF in headless Chromium: the overlay is drawn, the measurements are listed."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser import chromium, new_page, sign_in
from tests.serving import ROOT

pytestmark = [pytest.mark.serve, pytest.mark.browser]

OPEN_MS = 180_000  # software rendering on two busy cores


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def viewer(finished, browser) -> Page:
    """The study in OHIF, by the link that the AIR result tree gives."""
    if not (ROOT / ".cache" / "ohif" / "index.html").is_file():
        pytest.skip("OHIF's site is not here; `make setup` fetches it")
    link = finished.gateway.client.json(f"/air/studies/{finished.study}/results")["viewer"]
    page = new_page(browser)
    sign_in(page, finished.gateway)
    page.goto(link)
    page.wait_for_function(
        "window.services?.segmentationService.getSegmentations().length === 1"
        " && window.services.measurementService.getMeasurements().length === 2",
        timeout=OPEN_MS,
    )
    page.wait_for_timeout(2000)  # the jump to the measurement's slice is drawn
    return page


def picture(page: Page) -> np.ndarray:
    """The viewport as (rows, columns, RGB)."""
    shot = page.locator(".cornerstone-canvas").first.screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def show_overlay(page: Page, shown: bool) -> None:
    page.evaluate(
        """shown => {
            const { segmentationService, viewportGridService } = window.services;
            const viewportId = viewportGridService.getActiveViewportId();
            const [one] = segmentationService.getSegmentationRepresentations(viewportId);
            for (const index of [1, 2]) {
                segmentationService.setSegmentVisibility(
                    viewportId, one.segmentationId, index, shown);
            }
        }""",
        shown,
    )
    page.wait_for_timeout(1500)


def test_the_overlay_is_drawn_over_the_ct(viewer):
    with_overlay = picture(viewer)
    show_overlay(viewer, False)
    without = picture(viewer)
    show_overlay(viewer, True)
    again = picture(viewer)

    changed = np.abs(with_overlay - without).max(axis=2) > 20
    assert without.max() > 100  # the CT itself is drawn
    assert changed.mean() > 0.02
    assert (np.abs(with_overlay - again).max(axis=2) > 20).mean() < 0.002


def test_the_segments_have_their_names_and_colours(viewer):
    labels = viewer.evaluate(
        "Object.values(window.services.segmentationService.getSegmentations()[0].segments)"
        ".map(one => one.label)"
    )
    assert labels == ["Right lung", "Left lung"]
    colours = picture(viewer)
    tinted = np.ptp(colours, axis=2) > 40
    assert tinted.mean() > 0.02


def test_the_measurements_of_the_report_are_listed(viewer):
    measurements = viewer.evaluate(
        "window.services.measurementService.getMeasurements()"
        ".map(one => [one.label, one.toolName, one.displayText.primary[0]])"
    )
    assert [(label, tool) for label, tool, _ in measurements] == [
        ("Right lung", "PlanarFreehandROI"),
        ("Left lung", "PlanarFreehandROI"),
    ]
    assert all("mm²" in text for *_, text in measurements)


def test_nothing_was_fetched_in_vain(viewer, finished):
    failed = viewer.evaluate(
        "performance.getEntriesByType('resource').filter(one => one.responseStatus >= 400)"
        ".map(one => one.name)"
    )
    assert failed == []


def test_a_stranger_sees_the_sign_in_page_and_no_study(finished, browser):
    page = new_page(browser)
    page.goto(f"{finished.gateway.url}/viewer?StudyInstanceUIDs={finished.study}")

    assert "/ui/login" in page.url
    assert finished.study not in page.inner_text("body")


def test_the_console_shows_numbers_and_key_image(finished, browser):
    page = new_page(browser)
    sign_in(page, finished.gateway)
    page.goto(f"{finished.gateway.url}/ui/studies/{finished.study}")
    text = page.inner_text("body")
    width = page.evaluate(
        "[...document.images].map(one => one.naturalWidth).reduce((a, b) => Math.max(a, b), 0)"
    )

    assert "Right lung" in text
    assert "ml" in text
    assert width >= 256

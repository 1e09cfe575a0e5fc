"""Real OHIF in headless Chromium: the overlay is drawn, the measurements are listed."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from gateway.client import files_of
from gateway.commands.demo import SAMPLE
from tests.acceptance.conftest import Finished
from tests.browser import chromium, new_page, sign_in, skip_without_ohif
from tests.serving import wait_until

pytestmark = [pytest.mark.serve, pytest.mark.browser]

OVERLAY = 0.08  # share of the picture; the outlines and numbers of the report alone are 0.03
OPEN_MS = 180_000  # software rendering on two busy cores


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module", params=["the phantom", "the demo's study"])
def study(request: pytest.FixtureRequest, finished: Finished) -> str:
    """A study with its results: the phantom with known truth, and the real CT of `make demo`."""
    if request.param == "the phantom":
        return finished.study
    _, answer = finished.gateway.client.store(files_of([SAMPLE]))
    uid = answer["00081190"]["Value"][0].rpartition("/")[2]
    finished.gateway.await_end(uid)
    return uid


@pytest.fixture(scope="module")
def viewer(finished: Finished, study: str, browser: Browser) -> Page:
    """The study in OHIF, by the link that the AIR result tree gives."""
    skip_without_ohif()
    page = new_page(browser)
    sign_in(page, finished.gateway)
    page.goto(finished.gateway.client.json(f"/air/studies/{study}/results")["viewer"])
    page.wait_for_selector("html[data-airgate-results=open]", timeout=OPEN_MS, state="attached")
    wait_until(lambda: tinted(picture(page)) > OVERLAY, 30, lambda: "no overlay was drawn")
    return page


def picture(page: Page) -> np.ndarray:
    """The viewport as (rows, columns, RGB)."""
    shot = page.locator(".cornerstone-canvas").first.screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def tinted(colours: np.ndarray) -> float:
    """The share of pixels with a colour; the CT itself is grey."""
    return float((np.ptp(colours, axis=2) > 40).mean())


def show_overlay(page: Page, shown: bool) -> np.ndarray:
    """Switch the segments on or off; the picture once it is drawn so."""
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
    wait_until(
        lambda: (tinted(picture(page)) > OVERLAY) is shown,
        30,
        lambda: f"overlay {shown}, but {tinted(picture(page)):.3f} of the picture is coloured",
    )
    return picture(page)


def test_the_overlay_is_drawn_over_the_ct(viewer):
    with_overlay = show_overlay(viewer, True)
    without = show_overlay(viewer, False)
    again = show_overlay(viewer, True)

    changed = np.abs(with_overlay - without).max(axis=2) > 20
    assert without.max() > 100  # the CT itself is drawn
    assert changed.mean() > OVERLAY
    assert (np.abs(with_overlay - again).max(axis=2) > 20).mean() < 0.01


def test_the_segments_have_their_names_and_colours(viewer):
    labels = viewer.evaluate(
        "Object.values(window.services.segmentationService.getSegmentations()[0].segments)"
        ".map(one => one.label)"
    )
    assert labels == ["Right lung", "Left lung"]
    assert tinted(show_overlay(viewer, True)) > OVERLAY


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


def test_the_viewers_own_numbers_agree_with_the_findings(viewer, finished, study):
    """OHIF measures again inside the outline; a wrong outline or slice would show here."""
    stats = viewer.evaluate(
        "window.services.measurementService.getMeasurements()"
        ".map(one => Object.values(one.data)[0])"
    )
    (result,) = finished.gateway.results(study)
    densities = {
        one["site"]: one["value"] for one in result["measurements"] if one["derivation"] == "Mean"
    }
    for one, lung in zip(stats, ("Right lung", "Left lung"), strict=True):
        assert one["mean"] == pytest.approx(densities[lung], abs=40)  # one slice of many
        assert one["max"] < 100  # no bone inside


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

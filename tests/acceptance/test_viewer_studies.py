"""OHIF opens studies of every kind from the real gateway and draws each frame as it was stored.

The judge of the values is pydicom, of the picture the canvas, of the requests the browser.
"""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response
from pydicom import Dataset
from pydicom.pixels import apply_color_lut, pixel_array

from tests.acceptance.viewer_studies import MADE, REAL, Study, made_study, real_study
from tests.browser import chromium, new_context, sign_in, skip_without_ohif
from tests.serving import Gateway, wait_until

pytestmark = [pytest.mark.serve, pytest.mark.browser]

OPEN_MS = 120_000
SHOWN = "window.cornerstone?.getEnabledElements?.()[0]?.viewport"
ENDED_BY_THE_PAGE = "net::ERR_ABORTED"  # what the browser did not need any more


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    skip_without_ohif()
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("studies") / "data", workers="0") as gateway:
        yield gateway


@dataclass
class Viewer:
    """A study in OHIF, and all that went wrong on the way."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", self._message)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("requestfailed", self._no_response)
        self.page.on("response", self._response)

    def open(self, gateway: Gateway, study: Study) -> None:
        uids = f"StudyInstanceUIDs={study.study_instance_uid}"
        series = f"SeriesInstanceUIDs={study.series_instance_uid}"
        self.page.goto(f"{gateway.url}/viewer?{uids}&{series}")
        self.page.wait_for_function(
            f"!!{SHOWN}?.csImage && {SHOWN}.getImageIds().length > 0", timeout=OPEN_MS
        )
        wait_until(lambda: self.contrast() > 1, 30, lambda: f"nothing was drawn: {self.faults}")

    def images(self) -> list[tuple[str, int]]:
        """SOP Instance UID and frame of each place in the stack."""
        paths = [
            one.split("/instances/")[1] for one in self.page.evaluate(f"{SHOWN}.getImageIds()")
        ]
        return [(path.split("/")[0], int(path.split("/")[2])) for path in paths]

    def at(self) -> int:
        return self.page.evaluate(f"{SHOWN}.getCurrentImageIdIndex()")

    def scroll(self) -> None:
        """One notch of the wheel over the image; back at the end of the stack."""
        before = self.at()
        self.page.mouse.move(700, 500)
        self.page.mouse.wheel(0, 100)
        wait_until(lambda: self.at() != before, 30, lambda: f"still at {before}: {self.faults}")

    def go_to(self, place: int) -> None:
        self.page.evaluate(f"place => {SHOWN}.setImageIdIndex(place)", place)
        wait_until(lambda: self.at() == place, 30, lambda: f"not at {place}: {self.faults}")

    def stored_mean(self) -> float:
        """The mean of the shown image's stored values, its rescaling undone."""
        return self.page.evaluate(
            f"""() => {{
                const image = {SHOWN}.csImage, pixels = image.getPixelData();
                const sum = pixels.reduce((total, value) => total + value, 0);
                const {{ rescaleSlope, rescaleIntercept }} = image.preScale?.scaled
                    ? image.preScale.scalingParameters
                    : {{ rescaleSlope: 1, rescaleIntercept: 0 }};
                return (sum / pixels.length - rescaleIntercept) / rescaleSlope;
            }}"""
        )

    def picture(self) -> np.ndarray:
        """The canvas without what lies over it, (rows, columns, RGB)."""
        url = self.page.evaluate(f"{SHOWN}.getCanvas().toDataURL('image/png')")
        content = base64.b64decode(url.partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)

    def settled(self) -> np.ndarray:
        """The picture once it stays: it is drawn a little after it counts as shown."""
        pictures = [self.picture()]

        def stays() -> bool:
            self.page.wait_for_timeout(500)
            pictures.append(self.picture())
            return np.array_equal(*pictures[-2:])

        wait_until(stays, 30, lambda: "the picture goes on changing")
        return pictures[-1]

    def contrast(self) -> float:
        return float(self.picture().std())

    def _message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(message.text)

    def _no_response(self, request: Request) -> None:
        if request.failure != ENDED_BY_THE_PAGE:
            self.faults.append(f"{request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.url}: {response.status}")


@pytest.fixture(scope="module")
def session(browser, gateway) -> BrowserContext:
    """Signed in, and with OHIF's scripts in its cache from the second study on."""
    context = new_context(browser)
    page = context.new_page()
    sign_in(page, gateway)
    page.close()
    return context


@pytest.fixture
def viewer(session) -> Iterator[Viewer]:
    viewer = Viewer(session.new_page())
    viewer.listen()
    yield viewer
    viewer.page.close()


def judge(viewer: Viewer, gateway: Gateway, study: Study, folder: Path) -> None:
    """Store the study, open it, look at its ends and middle, and scroll as a person does."""
    status, _ = gateway.client.store(study.files)
    assert status == 200

    viewer.open(gateway, study)
    images = viewer.images()
    viewer.page.screenshot(path=folder / "first.png")

    assert len(images) == study.frames
    for place in sorted({0, study.frames // 2, study.frames - 1}):
        viewer.go_to(place)
        uid, frame = images[place]
        expected = _mean(study.source(uid), frame)
        assert viewer.stored_mean() == pytest.approx(expected, abs=1.5), (place, frame)
    if study.frames > 1:
        viewer.go_to(0)
        first = viewer.settled()
        viewer.scroll()
        wait_until(
            lambda: np.abs(viewer.picture() - first).mean() > 0.05,
            30,
            lambda: f"the next frame looks like the first: {viewer.faults}",
        )
        viewer.page.screenshot(path=folder / "scrolled.png")
    assert "went wrong" not in viewer.page.inner_text("body")
    assert viewer.faults == []


def _mean(source: Dataset, frame: int) -> float:
    """Of the stored values, or of the colours as RGB."""
    pixels = pixel_array(source, index=frame - 1)
    if source.PhotometricInterpretation == "PALETTE COLOR":
        colours = apply_color_lut(pixels, source)
        pixels = colours >> 8 if colours.dtype == np.uint16 else colours
    return float(pixels.mean())


@pytest.mark.parametrize("name", MADE)
def test_a_made_study_is_drawn(viewer, gateway, tmp_path, name):
    judge(viewer, gateway, made_study(name, tmp_path), tmp_path)


@pytest.mark.parametrize("name", REAL)
def test_a_real_study_is_drawn(viewer, gateway, tmp_path, name):
    study = real_study(name)
    if study is None:
        pytest.skip("../shared/data is not beside this checkout")
    judge(viewer, gateway, study, tmp_path)

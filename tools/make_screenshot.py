"""Make docs/ohif.png: the demo's study in OHIF with its result. Wants `make setup-test`.

python tools/make_screenshot.py
"""

import io
import tempfile
from pathlib import Path

from PIL import Image

from gateway.client import files_of
from gateway.commands.demo import SAMPLE
from tests.browser import chromium, new_page, sign_in
from tests.serving import Gateway

PICTURE = Path(__file__).parents[1] / "docs" / "ohif.png"
SHOWN = "html[data-airgate-results=open]"


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Gateway(Path(folder)) as gateway,
        chromium() as browser,
    ):
        _, answer = gateway.client.store(files_of([SAMPLE]))
        study = answer["00081190"]["Value"][0].rpartition("/")[2]
        gateway.await_end(study)
        page = new_page(browser, 1280, 800)
        sign_in(page, gateway)
        page.goto(f"{gateway.url}/viewer?StudyInstanceUIDs={study}")
        page.wait_for_selector(SHOWN, timeout=180_000, state="attached")
        page.wait_for_timeout(3000)
        picture = Image.open(io.BytesIO(page.screenshot())).convert(
            "P", palette=Image.Palette.ADAPTIVE
        )
        picture.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()

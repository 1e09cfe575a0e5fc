"""OHIF in headless Chromium: from opening a study to its first image, and to all of its slices.

The same build of OHIF with the same settings on both sides. The gateway serves it itself. For the
plug-in, which serves no pages, the gateway's own router does, and the page asks Orthanc directly:
the browser is told not to mind the other origin, so that no proxy stands in the rival's way. Every
run opens a study that the browser has not seen; OHIF's own scripts lie in its cache by then.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from fastapi import FastAPI, Response
from playwright.sync_api import Browser, BrowserContext

from gateway.routers import ohif
from tests.bench.data import ct_files, study_uid
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.bench.sides import servers
from tests.browser import chromium, new_context, sign_in
from tests.serving import OHIF, served

OPEN_MS = 300_000
# Milliseconds since the page was opened, told by the viewer's own events. OHIF prefetches the whole
# stack that it shows, with no scrolling.
STOPWATCH = """
    window.bench = { loaded: new Set(), first: null, last: null };
    const wait = setInterval(() => {
        if (!window.cornerstone) return;
        clearInterval(wait);
        window.cornerstone.eventTarget.addEventListener('CORNERSTONE_IMAGE_LOADED', event => {
            window.bench.loaded.add(event.detail.image.imageId);
            window.bench.last = performance.now();
        });
        document.addEventListener('CORNERSTONE_IMAGE_RENDERED', () => {
            if (window.bench.loaded.size) window.bench.first ??= performance.now();
        }, true);
    }, 5);
"""


def measure(plan: Plan) -> Iterator[Line]:
    if not (OHIF / "index.html").is_file():
        raise SystemExit("OHIF's site is not here; `make setup` fetches it")
    files = ct_files(plan.sizes.viewer_slices, plan.sizes.matrix)
    first: dict[str, list[float]] = {"ours": [], "rival": []}
    last: dict[str, list[float]] = {"ours": [], "rival": []}
    with (
        servers(plan.place("viewer")) as sides,
        viewer_of(sides.rival.url) as rival,
        chromium(["--disable-web-security"]) as browser,
    ):
        pages = {"ours": sides.gateway.url, "rival": rival}
        contexts = {name: _context(browser) for name in pages}
        sign_in(contexts["ours"].new_page(), sides.gateway)
        for run in range(plan.repeat + 1):
            plan.say(f"storing study {run + 1} of {plan.repeat + 1}")
            for _, side in sides.both(run):
                side.store(files.of(run))
        for run in range(plan.repeat + 1):  # the first one fills the browser's cache of scripts
            plan.say(f"run {run} of {plan.repeat}")
            for name, _ in sides.both(run):
                seconds = _open(contexts[name], pages[name], study_uid(run), len(files))
                if run:
                    first[name].append(seconds[0])
                    last[name].append(seconds[1])
    yield Line("OHIF: study to first image", *first.values(), aim="1 x")
    yield Line(f"OHIF: study to all {len(files)} slices", *last.values(), aim="1 x")


@contextmanager
def viewer_of(dicomweb: str) -> Iterator[str]:
    """The root of a server that gives OHIF, set to this DICOMweb service; only while in use."""
    app = FastAPI()
    app.state.services = SimpleNamespace(settings=SimpleNamespace(ohif=OHIF))
    settings = ohif.SCRIPTS[0].read_text("utf-8").replace("'/dicom-web'", f"'{dicomweb}'")

    @app.get("/app-config.js")
    def viewer_settings() -> Response:
        return Response(settings, media_type="text/javascript")

    app.include_router(ohif.router)
    with served(app) as root:
        yield root


def _context(browser: Browser) -> BrowserContext:
    """A session of its own. The viewer's policy lets it ask its own origin only."""
    context = new_context(browser, bypass_csp=True)
    context.add_init_script(STOPWATCH)
    return context


def _open(context: BrowserContext, root: str, study: str, slices: int) -> tuple[float, float]:
    """Seconds until the first image is drawn, and until all are loaded."""
    page = context.new_page()
    page.goto(f"{root}/viewer?StudyInstanceUIDs={study}")
    page.wait_for_function(
        f"window.bench.first && window.bench.loaded.size >= {slices}", timeout=OPEN_MS
    )
    first, last = page.evaluate("[window.bench.first, window.bench.last]")
    page.close()
    return first / 1000, last / 1000

"""Damaged and hostile objects, rendered at every level: an answer or a reason, never a fault."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from starlette.testclient import TestClient

from gateway.keeping import Part
from tests.gateway.index_helper import Gateway, written
from tests.gateway.rendering.example_images import image, item
from tests.gateway.rendering.example_states import state
from tests.shared_data import SHARED_DATA, shared_data

PARTS = 'multipart/related; type="image/png", multipart/related; type="text/html"'
SUFFIXES = ("/rendered", "/thumbnail")
QUERIES = ("", "?window=40,400,linear&viewport=64,64,1,1,-9,-9&quality=1&annotation=patient")


def _broken() -> list[str]:
    return sorted(path.name for path in (SHARED_DATA / "broken").glob("*.dcm"))


def _ask(client: TestClient, ds: Dataset, *, only_instance: bool = False) -> None:
    """Every rendered resource of the instance, in several forms."""
    study = f"/dicom-web/studies/{ds.StudyInstanceUID}"
    series = f"{study}/series/{ds.SeriesInstanceUID}"
    instance = f"{series}/instances/{ds.SOPInstanceUID}"
    levels = (study, series, f"{instance}/frames/1", f"{instance}/frames/999999", instance)
    for level in levels[-1:] if only_instance else levels:
        for suffix in SUFFIXES:
            for query in QUERIES:
                for accept in ("*/*", "image/gif", PARTS):
                    response = client.get(level + suffix + query, headers={"Accept": accept})
                    assert response.status_code < 500, (level, suffix, query, response.text)
                    if response.status_code >= 400:
                        assert response.json()["detail"]


@pytest.mark.parametrize("name", _broken() or ["broken"])
def test_whatever_of_the_broken_files_is_kept_can_be_asked_for(tmp_path, name):
    gateway = Gateway(tmp_path)
    content = shared_data("broken", name).read_bytes()
    kept = not gateway.ingest.receive([Part(content)]).result.failed
    if kept:
        with TestClient(gateway.app, raise_server_exceptions=False) as client:
            study = client.get("/dicom-web/studies").json()[0]["0020000D"]["Value"][0]
            header = client.get(f"/dicom-web/studies/{study}/metadata").json()[0]
            _ask(client, Dataset.from_json(header, lambda *_: b""))
    gateway.close()
    if not kept:
        pytest.skip("refused at the door")


_NUMBERS = st.sampled_from([0, 1, -1, 2, 7, 255, 256, 65535, -32768])
_TEXTS = st.sampled_from(["", "0", "-1", "1e308", "nan", "inf", "MONOCHROME1", "PALETTE COLOR"])
_DECIMALS = st.sampled_from(["0", "1", "-1", "1e300", "-1e-300", "0.5", ""])

# Attributes that say how to show an image, each with values that no sane writer gives.
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "WindowCenter": _DECIMALS,
        "WindowWidth": _DECIMALS,
        "VOILUTFunction": _TEXTS,
        "RescaleSlope": _DECIMALS,
        "RescaleIntercept": _DECIMALS,
        "PhotometricInterpretation": _TEXTS,
        "BitsStored": _NUMBERS.filter(lambda n: n >= 0),
        "HighBit": _NUMBERS.filter(lambda n: n >= 0),
        "PixelSpacing": st.lists(_DECIMALS, min_size=0, max_size=3),
        "PixelAspectRatio": st.lists(st.sampled_from(["0", "1", "-3", "99999"]), max_size=3),
        "ShutterShape": st.sampled_from(["RECTANGULAR", "CIRCULAR", "POLYGONAL", "BITMAP", "X"]),
        "CenterOfCircularShutter": st.lists(st.sampled_from(["0", "-99999", "5"]), max_size=3),
        "RadiusOfCircularShutter": st.sampled_from(["0", "-5", "2147483647"]),
        "ShutterLeftVerticalEdge": st.sampled_from(["-5", "0", "2147483647"]),
        "ShutterRightVerticalEdge": st.sampled_from(["-5", "0", "2147483647"]),
        "ShutterUpperHorizontalEdge": st.sampled_from(["-5", "0", "2147483647"]),
        "ShutterLowerHorizontalEdge": st.sampled_from(["-5", "0", "2147483647"]),
        "RepresentativeFrameNumber": _NUMBERS.filter(lambda n: n >= 0),
        "SegmentationType": st.sampled_from(["BINARY", "FRACTIONAL", "LABELMAP"]),
        "BurnedInAnnotation": st.sampled_from(["YES", "NO", ""]),
        "FrameTime": _DECIMALS,
        "ICCProfile": st.binary(max_size=200),
        "PixelPresentation": st.sampled_from(["COLOR", "TRUE_COLOR"]),
        "PresentationLUTShape": st.sampled_from(["INVERSE", "LIN OD"]),
    },
)
STATES = st.fixed_dictionaries(
    {},
    optional={
        "ImageRotation": _NUMBERS.filter(lambda n: n >= 0),
        "ImageHorizontalFlip": st.sampled_from(["Y", "N", "MAYBE"]),
        "RescaleSlope": _DECIMALS,
        "DisplayedAreaSelectionSequence": st.builds(
            lambda first, last, mode, scale: [
                item(
                    DisplayedAreaTopLeftHandCorner=first,
                    DisplayedAreaBottomRightHandCorner=last,
                    PresentationSizeMode=mode,
                    PresentationPixelMagnificationRatio=scale,
                )
            ],
            st.lists(st.sampled_from([-2147483648, 0, 1, 30, 2147483647]), max_size=3),
            st.lists(st.sampled_from([-2147483648, 0, 1, 30, 2147483647]), max_size=3),
            st.sampled_from(["SCALE TO FIT", "MAGNIFY", "TRUE SIZE", ""]),
            st.sampled_from([0.0, 1e30, -1.0, float("nan"), float("inf"), 0.001]),
        ),
    },
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    made = Gateway(tmp_path_factory.mktemp("fuzzed"))
    yield made
    made.close()


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(attributes=ATTRIBUTES, presentation=STATES, number=st.integers(1, 10**9))
def test_attributes_without_sense_cost_an_answer_and_no_fault(
    gateway, attributes, presentation, number
):
    ds = image(number=number)
    ds.StudyInstanceUID = f"2.25.301.{number}"
    ds.SeriesInstanceUID = f"{ds.StudyInstanceUID}.1"
    ds.SOPInstanceUID = f"{ds.StudyInstanceUID}.1.1"
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    shown = state(ds, **presentation)
    contents = [Part(content) for each in (ds, shown) if (content := _written(each)) is not None]
    gateway.ingest.receive(contents)

    with TestClient(gateway.app, raise_server_exceptions=False) as client:
        _ask(client, ds, only_instance=True)
        _ask(client, shown, only_instance=True)


def _written(ds: Dataset) -> bytes | None:
    try:
        return written(ds)
    except (ValueError, TypeError, OverflowError):  # pydicom itself refuses to write it
        return None

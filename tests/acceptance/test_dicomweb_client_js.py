"""dicomweb-client for JavaScript, which browsers' viewers use, stores, finds and retrieves."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from pydicom import dcmread

from tests.acceptance.viewer_studies import Study, made_study
from tests.browser import chromium, new_context
from tests.serving import ROOT, Gateway

pytestmark = [pytest.mark.serve, pytest.mark.browser]

SCRIPT = ROOT / ".cache" / "dicomweb-client" / "dicomweb-client.js"
CLIENT = """
    window.client = token => new DICOMwebClient.api.DICOMwebClient({
        url: `${location.origin}/dicom-web`,
        headers: { Authorization: `Bearer ${token}` },
    });
    window.sha256 = async buffer =>
        [...new Uint8Array(await crypto.subtle.digest('SHA-256', buffer))]
            .map(byte => byte.toString(16).padStart(2, '0')).join('');
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("js") / "data", workers="0") as gateway:
        yield gateway


@pytest.fixture(scope="module")
def page(gateway) -> Iterator[Page]:
    """A page of the gateway with the client in it, and a session that has not signed in."""
    if not SCRIPT.is_file():
        pytest.skip("dicomweb-client is not here; `make setup-test` fetches it")
    with chromium() as browser:
        page = new_context(browser, bypass_csp=True).new_page()
        page.goto(f"{gateway.url}/ui/login")
        page.add_script_tag(path=SCRIPT)
        page.add_script_tag(content=CLIENT)
        yield page


@pytest.fixture(scope="module")
def stored(gateway, page, tmp_path_factory) -> tuple[Study, dict]:
    """A made CT series, stored by the client, and the gateway's response."""
    study = made_study("CT", tmp_path_factory.mktemp("ct"))
    contents = [base64.b64encode(path.read_bytes()).decode() for path in study.files]
    reply = page.evaluate(
        """async ([token, contents]) => {
            const datasets = contents.map(one => Uint8Array.from(atob(one),
                character => character.charCodeAt(0)).buffer);
            return JSON.parse(await client(token).storeInstances({ datasets }));
        }""",
        [gateway.token, contents],
    )
    return study, reply


def test_it_stores_several_instances_in_one_request(stored):
    study, reply = stored
    assert len(reply["00081199"]["Value"]) == len(study.files)
    assert "00081198" not in reply


def test_it_finds_the_study_its_series_and_instances(gateway, page, stored):
    study, _ = stored
    found = page.evaluate(
        """async ([token, studyInstanceUID]) => {
            const queryParams = { StudyInstanceUID: studyInstanceUID };
            const studies = await client(token).searchForStudies({ queryParams });
            const series = await client(token).searchForSeries({ studyInstanceUID });
            const instances = await client(token).searchForInstances({ studyInstanceUID });
            return [studies, series, instances];
        }""",
        [gateway.token, study.study_instance_uid],
    )
    assert [len(one) for one in found] == [1, 1, len(study.files)]
    assert found[1][0]["0020000E"]["Value"] == [study.series_instance_uid]


def test_it_retrieves_metadata_instances_frames_and_pictures(gateway, page, stored):
    study, _ = stored
    header = study.headers[0]
    found = page.evaluate(
        """async ([token, studyInstanceUID, seriesInstanceUID, sopInstanceUID]) => {
            const one = { studyInstanceUID, seriesInstanceUID, sopInstanceUID };
            const [metadata] = await client(token).retrieveInstanceMetadata(one);
            const series = await client(token).retrieveSeries(one);
            const [frame] = await client(token).retrieveInstanceFrames(
                { ...one, frameNumbers: [1] });
            const [pixels] = await client(token).retrieveBulkData(
                { BulkDataURI: metadata['7FE00010'].BulkDataURI });
            const [picture] = await client(token).retrieveInstanceRendered(
                { ...one, mediaTypes: [{ mediaType: 'image/png' }] });
            return {
                uid: metadata['00080018'].Value[0],
                instances: series.length,
                frame: await sha256(frame),
                pixels: await sha256(pixels),
                picture: [...new Uint8Array(picture).slice(1, 4)],
            };
        }""",
        [gateway.token, study.study_instance_uid, study.series_instance_uid, header.SOPInstanceUID],
    )
    pixels = _sha256(study.files[0])
    assert found == {
        "uid": header.SOPInstanceUID,
        "instances": len(study.files),
        "frame": pixels,
        "pixels": pixels,
        "picture": list(b"PNG"),
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(dcmread(path).PixelData).hexdigest()

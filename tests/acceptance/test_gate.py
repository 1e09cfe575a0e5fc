"""The pixel-truth gate and the loading of pixels in the whole house."""

import io
from collections.abc import Iterator

import pytest
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless

from standards.derived import part10
from tests import quick_model
from tests.quick_model import TinyStudy, tiny_study
from tests.serving import Gateway
from tests.standards.multi_frame import enhanced_ct

pytestmark = pytest.mark.serve


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gate")
    rules = str(quick_model.write_rules(folder))
    with Gateway(folder / "data", rules=rules, archive="folder", quiet_seconds="0.3") as started:
        quick_model.register(started)
        yield started


def changed(study: TinyStudy, change) -> TinyStudy:
    images = [dcmread(io.BytesIO(content)) for content in study.contents]
    return TinyStudy(study.uid, tuple(part10(one) for one in change(images)))


def annotate(images):
    images[1].BurnedInAnnotation = "YES"
    return images


def ended(gateway: Gateway, study: TinyStudy) -> dict:
    status, answer = gateway.client.store(study.write(gateway.data.parent / study.uid))
    assert status == 200, answer
    (workitem,) = gateway.await_end(study.uid)
    return workitem


def test_a_refusal_names_check_found_and_limit_in_worklist_trace_and_fhir(gateway):
    study = changed(tiny_study(1), annotate)
    workitem = ended(gateway, study)

    said = "burned in annotation: found YES, expected images without text in their pixels"
    assert (workitem["outcome"], workitem["reason"]) == ("REFUSED_INPUT", said)
    (step,) = gateway.client.json(f"/dicom-web/workitems/{workitem['workitem_uid']}")
    assert "CANCELED" in str(step)
    assert said in str(gateway.trace(study.uid)["events"])
    reports = gateway.client.json("/fhir/r4/DiagnosticReport?patient.identifier=TINY-1")
    assert said in str(reports)


def test_compressed_images_reach_the_model(gateway):
    def compress(images):
        for one in images:
            one.compress(JPEG2000Lossless, generate_instance_uid=False)
        return images

    study = changed(tiny_study(2, size=64), compress)

    assert ended(gateway, study)["outcome"] == "DONE"


def test_a_result_on_a_multi_frame_image_refers_to_its_frames(gateway):
    study = changed(tiny_study(3), lambda images: [enhanced_ct(images[::-1])])

    assert ended(gateway, study)["outcome"] == "DONE"

    (result,) = gateway.results(study.uid)
    (seg,) = [one for one in result["objects"] if one["kind"] == "SEG"]
    assert "00081160" in str(gateway.client.json(f"{seg['url']}/metadata"))


def test_a_rule_that_wants_it_has_a_refusal_in_the_study_too(gateway):
    (rule,) = gateway.client.json("/api/v1/rules")
    wanted = rule | {"sr_without_result": True}
    put = gateway.http.put(f"/api/v1/rules/{rule['name']}", json=wanted)
    assert put.status_code == 200, put.text
    study = changed(tiny_study(4), annotate)
    workitem = ended(gateway, study)

    (result,) = gateway.results(study.uid)
    (sr,) = result["objects"]
    assert (result["root"], sr["kind"]) == (sr["sop_instance_uid"], "SR")
    text = gateway.http.get(f"{sr['url']}/rendered", headers={"Accept": "text/plain"}).text
    assert "Not Attempted" in text
    assert workitem["reason"] in text

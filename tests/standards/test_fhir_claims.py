"""Classifications and regions as FHIR Observations, judged as all other resources are."""

import json
from dataclasses import replace

import pytest

from standards import codes
from standards.fhir import References, resources
from tests.fhir_schema import broken_invariants, schema_errors
from tests.pictures import BOX, LINE, POINT, SUSPICION, cine, picture_result, radiograph
from tests.series import small_result
from tests.standards.test_sr_claims import IN_SPACE

REFERENCES = References("http://airgate.example/dicom-web")
RESULTS = {
    "classification": lambda: picture_result([radiograph()], [SUSPICION]),
    "bare classification": lambda: picture_result(
        [radiograph()],
        [replace(SUSPICION, probability=None, calibration="", laterality=None, site=None)],
    ),
    "regions": lambda: picture_result([radiograph()], [BOX, POINT, LINE]),
    "frame": lambda: picture_result([cine()], [replace(BOX, frame=2)]),
    "patient": lambda: small_result(found=IN_SPACE),
    "depth": lambda: small_result(
        found=[replace(BOX, image_index=3, depth_mm=12.34, calibration="none was done")]
    ),
}


def _made(result) -> list[dict]:
    return [
        json.loads(one.model_dump_json(exclude_none=True)) for one in resources(result, REFERENCES)
    ]


def _observations(result) -> list[dict]:
    return [one for one in _made(result) if one["resourceType"] == "Observation"]


@pytest.mark.parametrize("name", RESULTS)
def test_every_resource_is_valid_r4(name):
    for resource in _made(RESULTS[name]()):
        assert schema_errors(resource) == []
        assert broken_invariants(resource) == []


def test_a_classification_answers_with_its_certainty_side_and_calibration():
    result = RESULTS["classification"]()
    (found,) = _observations(result)

    assert found["id"] == result.analysis.classification_uid(1)
    assert found["code"]["coding"][0]["code"] == "36118008"
    assert found["valueCodeableConcept"]["coding"][0]["code"] == "272519000"
    assert found["bodySite"]["coding"][0]["code"] == "39607008"
    certainty, side = found["component"]
    assert certainty["valueQuantity"]["value"] == 97.3
    assert certainty["valueQuantity"]["code"] == "%"
    assert side["valueCodeableConcept"]["coding"][0]["code"] == "24028007"
    assert "isotonic regression" in found["note"][0]["text"]
    assert found["category"][1]["coding"][0]["code"] == "C0034375"


def test_a_region_tells_what_it_is_and_where_in_words():
    result = RESULTS["frame"]()
    (found,) = _observations(result)

    uid = result.analysis.source[0].SOPInstanceUID
    assert found["id"] == result.analysis.region_uid(1)
    assert found["valueCodeableConcept"]["text"] == "Nodule"
    assert found["component"][0]["valueQuantity"]["value"] == 87.5
    assert found["note"][0]["text"] == (
        f"A box on image {uid}, frame 2: columns 20.0 to 60.0, rows 10.0 to 40.0."
    )


def test_a_region_of_a_volume_tells_its_depth_and_the_calibration_of_its_certainty():
    (found,) = _observations(RESULTS["depth"]())

    _, depth = found["component"]
    assert depth["code"]["coding"][0]["code"] == codes.DEPTH.value
    assert (depth["valueQuantity"]["value"], depth["valueQuantity"]["code"]) == (12.3, "mm")
    assert found["note"][1]["text"] == "Calibration: none was done"


def test_the_report_lists_every_claim_and_provenance_names_it():
    result = picture_result([radiograph()], [SUSPICION, BOX, POINT])
    made = _made(result)

    (report,) = [one for one in made if one["resourceType"] == "DiagnosticReport"]
    (provenance,) = [one for one in made if one["resourceType"] == "Provenance"]
    claims = {f"Observation/{one['id']}" for one in _observations(result)}
    assert len(claims) == 3
    assert {one["reference"] for one in report["result"]} == claims
    assert {one["reference"] for one in provenance["target"]} >= claims

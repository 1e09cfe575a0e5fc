"""Findings as FHIR R4, judged by the R4 JSON Schema, its invariants and the R4B models."""

import json
from decimal import Decimal

import pydicom
import pytest
from fhir.resources.R4B import get_fhir_model_class

from standards.analysis import Analysis, Result
from standards.fhir import merged, no_result, resources
from standards.findings import Findings
from tests import fhir_example as example
from tests.fhir_schema import broken_invariants, schema_errors
from tests.shared_data import shared_data

AIAST = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "AIAST"
DCM = "http://dicom.nema.org/resources/ontology/DCM"


def as_json(made):
    return [json.loads(resource.model_dump_json(exclude_none=True)) for resource in made]


def of_type(made, resource_type):
    return [resource for resource in made if resource["resourceType"] == resource_type]


def codes_of(concept):
    return {(coding["system"], coding["code"]) for coding in concept["coding"]}


def measured(made):
    return [o for o in of_type(made, "Observation") if "valueQuantity" in o]


def groups(made):
    group = DCM, "125007"
    return [
        o
        for o in of_type(made, "Observation")
        if any(group in codes_of(category) for category in o["category"])
    ]


@pytest.fixture
def made():
    return as_json(resources(example.result(nodules=True), example.references()))


ANSWERS = {
    "result": lambda: resources(example.result(), example.references()),
    "result with an absent structure": lambda: resources(
        example.result(nodules=True), example.references()
    ),
    "no finding at all": lambda: resources(
        Result(example.analysis(), Findings.of([])), example.references()
    ),
    "no result": lambda: no_result(
        example.analysis(), "slice count: found 4, expected 40 or more", example.references()
    ),
    "empty header": lambda: resources(
        example.result(
            PatientName="",
            PatientSex="",
            PatientBirthDate="",
            PatientID="",
            StudyDate="",
            AccessionNumber=None,
            SeriesNumber=None,
            Modality="",
            TimezoneOffsetFromUTC=None,
            StudyDescription="",
        ),
        example.references(),
    ),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_resource_is_valid_r4(answer):
    for resource in as_json(ANSWERS[answer]()):
        assert schema_errors(resource) == []
        assert broken_invariants(resource) == []
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_the_judges_do_object_to_faults(made):
    observation = measured(made)[0]
    assert schema_errors(observation | {"status": "zzz"})
    reason = {"text": "x"}
    assert broken_invariants(observation | {"dataAbsentReason": reason}) == ["obs-6 at Observation"]


def test_each_measurement_is_one_observation_with_its_ucum_value(made):
    found = [(o["valueQuantity"]["value"], o["valueQuantity"]["code"]) for o in measured(made)]

    assert sorted(found) == sorted(
        (float(Decimal(str(m.rounded))), m.unit.value) for m in example.MEASUREMENTS
    )
    assert {o["valueQuantity"]["system"] for o in measured(made)} == {"http://unitsofmeasure.org"}


def test_measurements_are_grouped_by_structure_and_the_rest_in_one_group(made):
    by_id = {o["id"]: o for o in of_type(made, "Observation")}
    members = {
        group.get("valueCodeableConcept", group["code"])["text"]: [
            by_id[reference["reference"].removeprefix("Observation/")]["code"]["text"]
            for reference in group.get("hasMember", ())
        ]
        for group in groups(made)
    }

    assert members == {
        "Left lung": ["Volume", "Attenuation Coefficient, Mean"],
        "Right lung": ["Volume"],
        "Imaging Measurements": [
            "Low attenuation area below -950 HU",
            "15th percentile of lung density",
        ],
        "Lung nodule: not found by the algorithm": [],
    }


def test_derivation_is_the_method_and_the_site_is_coded(made):
    (mean,) = [o for o in measured(made) if "method" in o]
    assert codes_of(mean["method"]) == {("http://snomed.info/sct", "373098007")}
    assert codes_of(mean["bodySite"]) == {("http://snomed.info/sct", "44029006")}


def test_a_structure_that_was_not_found_is_said_to_be_absent(made):
    (absent,) = [
        o for o in groups(made) if codes_of(o["code"]) == {("http://snomed.info/sct", "427359005")}
    ]
    assert codes_of(absent["valueCodeableConcept"]) == {("http://snomed.info/sct", "2667000")}


def test_only_observations_and_report_carry_the_ai_label(made):
    labelled = {
        resource["resourceType"]
        for resource in made
        for label in resource.get("meta", {}).get("security", ())
        if (label["system"], label["code"]) == AIAST
    }
    assert labelled == {"Observation", "DiagnosticReport"}
    assert all("meta" in r for r in made if r["resourceType"] in labelled)


def test_nothing_is_final_and_the_conclusion_says_that_a_machine_made_it(made):
    (report,) = of_type(made, "DiagnosticReport")
    assert report["status"] == "preliminary"
    assert {o["status"] for o in of_type(made, "Observation")} == {"preliminary"}
    assert report["conclusion"] == (
        "AI algorithm lung_ct 1.0.0: "
        "Made by an artificial intelligence algorithm and not verified by a person."
    )


def test_report_lists_every_group_and_groups_hold_every_measurement(made):
    (report,) = of_type(made, "DiagnosticReport")
    listed = {reference["reference"] for reference in report["result"]}
    held = {r["reference"] for group in groups(made) for r in group.get("hasMember", ())}

    assert listed == {f"Observation/{o['id']}" for o in groups(made)}
    assert held == {f"Observation/{o['id']}" for o in measured(made)}


def test_every_reference_leads_to_a_resource_of_the_same_answer(made):
    known = {f"{r['resourceType']}/{r['id']}" for r in made}
    text = json.dumps(made)
    pointed = set(json.loads(f"[{','.join(_references(text))}]"))
    assert pointed
    assert pointed <= known


def _references(text):
    return [part.split(",")[0].rstrip("}]") for part in text.split('"reference": ')[1:]]


def test_provenance_names_all_outputs_the_model_and_the_source_study(made):
    (provenance,) = of_type(made, "Provenance")
    asserted = of_type(made, "Observation") + of_type(made, "DiagnosticReport")
    device_uid = example.algorithm().device_uid

    assert {t["reference"] for t in provenance["target"]} == {
        f"{r['resourceType']}/{r['id']}" for r in asserted
    }
    assert provenance["agent"][0]["who"]["reference"] == f"Device/{device_uid}"
    assert provenance["entity"][0]["role"] == "source"
    study = example.analysis().study_instance_uid
    assert provenance["entity"][0]["what"]["identifier"]["value"] == f"urn:oid:{study}"
    assert provenance["reason"][0]["coding"][0]["code"] == "AIAST"


def test_device_is_the_model_build(made):
    (device,) = of_type(made, "Device")
    assert device["identifier"][0] == {
        "system": "urn:dicom:uid",
        "value": f"urn:oid:{example.algorithm().device_uid}",
    }
    assert device["deviceName"] == [{"name": "lung_ct", "type": "model-name"}]
    assert [version["value"] for version in device["version"]] == ["1.0.0", "ab" * 32]
    other = as_json(
        resources(example.result(model=example.algorithm(digest="cd" * 32)), example.references())
    )
    assert of_type(other, "Device")[0]["id"] != device["id"]


def test_imaging_study_lists_the_source_series_and_each_result_series(made):
    (study,) = of_type(made, "ImagingStudy")
    (endpoint,) = of_type(made, "Endpoint")

    assert study["identifier"][0]["value"] == f"urn:oid:{example.analysis().study_instance_uid}"
    assert [(s["modality"]["code"], len(s["instance"])) for s in study["series"]] == [
        ("CT", 4),
        ("SEG", 1),
        ("SR", 1),
    ]
    assert (
        study["series"][0]["instance"][0]["sopClass"]["code"] == "urn:oid:1.2.840.10008.5.1.4.1.1.2"
    )
    assert [m["code"] for m in study["modality"]] == ["CT", "SEG", "SR"]
    assert study["started"] == "2024-05-04T08:15:30+02:00"
    assert study["endpoint"] == [{"reference": f"Endpoint/{endpoint['id']}"}]
    assert endpoint["address"] == example.WADO_RS_ROOT


def test_accession_number_leads_to_the_order(made):
    for resource in measured(made) + of_type(made, "DiagnosticReport"):
        (order,) = resource["basedOn"]
        assert order["type"] == "ServiceRequest"
        assert order["identifier"]["value"] == "ACC1"


def test_time_without_a_zone_is_said_as_the_day_alone():
    made = as_json(resources(example.result(TimezoneOffsetFromUTC=None), example.references()))
    assert of_type(made, "ImagingStudy")[0]["started"] == "2024-05-04"
    assert measured(made)[0]["effectiveDateTime"] == "2024-05-04"


def test_the_same_work_writes_the_same_bytes_and_another_build_other_ids(made):
    again = as_json(resources(example.result(nodules=True), example.references()))
    rebuilt = example.algorithm(digest="cd" * 32)
    other = as_json(resources(example.result(model=rebuilt), example.references(model=rebuilt)))

    assert json.dumps(again) == json.dumps(made)
    ids = {o["id"] for o in of_type(made, "Observation")}
    assert ids.isdisjoint(o["id"] for o in of_type(other, "Observation"))


def test_patient_is_told_by_the_header_and_the_id_holds_nothing_of_it(made):
    (patient,) = of_type(made, "Patient")
    assert patient["identifier"][0]["value"] == "P-17"
    assert patient["identifier"][0]["assigner"]["display"] == "General Hospital"
    assert patient["name"][0]["family"] == "Doe"
    assert patient["name"][0]["given"] == ["Ann", "B"]
    assert (patient["gender"], patient["birthDate"]) == ("female", "1961-02-03")
    assert patient["id"].startswith("2.25.")
    assert {s["subject"]["reference"] for s in made if "subject" in s} == {
        f"Patient/{patient['id']}"
    }


def test_the_same_number_of_two_hospitals_is_two_patients():
    def patient_of(**attributes):
        made = as_json(resources(example.result(**attributes), example.references()))
        return of_type(made, "Patient")[0]

    here, there = patient_of(), patient_of(IssuerOfPatientID="County Hospital")
    assert here["id"] != there["id"]
    assert here["identifier"][0]["system"] != there["identifier"][0]["system"]
    assert patient_of(IssuerOfPatientID="1.2.3.4")["identifier"][0]["system"] == "urn:oid:1.2.3.4"
    assert "system" not in patient_of(IssuerOfPatientID=None)["identifier"][0]


def test_two_unknown_patients_stay_two():
    ids = {
        of_type(
            as_json(resources(example.result(study, PatientID=""), example.references())), "Patient"
        )[0]["id"]
        for study in ("A", "B")
    }
    assert len(ids) == 2


def test_names_in_three_scripts_are_three_names():
    name = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    made = as_json(resources(example.result(PatientName=name), example.references()))
    (patient,) = of_type(made, "Patient")
    assert [n["family"] for n in patient["name"]] == ["Yamada", "山田", "やまだ"]


def test_no_result_is_an_answer_with_its_reason():
    reason = "slice count: found 4, expected 40 or more"
    made = as_json(no_result(example.analysis(), reason, example.references()))
    (report,) = of_type(made, "DiagnosticReport")
    (observation,) = of_type(made, "Observation")

    assert report["status"] == observation["status"] == "cancelled"
    assert reason in report["conclusion"]
    assert observation["dataAbsentReason"]["text"] == reason
    assert observation["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
    assert len(of_type(made, "Provenance")) == 1


def test_a_later_result_has_the_id_of_the_report_that_said_there_was_none():
    refused = as_json(no_result(example.analysis(), "out of memory", example.references()))
    answered = as_json(resources(example.result(), example.references()))
    assert (
        of_type(refused, "DiagnosticReport")[0]["id"]
        == of_type(answered, "DiagnosticReport")[0]["id"]
    )


def test_results_of_two_models_merge_into_one_imaging_study_in_any_order():
    nodule = example.algorithm("nodule_ct")
    (first,) = of_type(as_json(resources(example.result(), example.references())), "ImagingStudy")
    (second,) = of_type(
        as_json(resources(example.result(model=nodule), example.references(model=nodule))),
        "ImagingStudy",
    )

    both = merged(first, second)
    assert both == merged(second, first) == merged(both, first)
    assert [s["number"] for s in both["series"]] == [2, 901, 901, 902, 902]
    assert schema_errors(both) == []


def test_a_real_study_becomes_valid_resources():
    folder = shared_data("ct_chest_a0001", "series_soft_kernel_B")
    source = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(folder.glob("*"))]
    analysis = Analysis(example.algorithm(), example.EQUIPMENT, tuple(source), example.STARTED)
    result = Result(analysis, Findings.of([m for m in example.MEASUREMENTS if m.label is None]))

    for resource in as_json(resources(result, example.references())):
        assert schema_errors(resource) == []
        assert broken_invariants(resource) == []

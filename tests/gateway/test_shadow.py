"""Rules and models in their shadow stage: the work is done, and nothing clinical knows of it."""

import io
import json

import pydicom
import pytest

from gateway.batches.feeder import Feeder
from gateway.store.tables import FhirRow, InstanceRow, ModelRow, ShadowObjectRow, StudyRow
from tests.gateway.late_example import RULE, STUDY, Growing, growing

MOST = range(24)
SHADOW = {"name": "next", "run": "lung_ct", "stage": "shadow"}


@pytest.fixture
def study(database, tmp_path) -> Growing:
    made = growing(database, tmp_path)
    made.client.put("/api/v1/rules/next", json=SHADOW).raise_for_status()
    return made


def count(study: Growing, table) -> int:
    with study.parts.database.read() as session:
        return session.query(table).count()


def by_stage(study: Growing) -> dict[str, list[dict]]:
    """The workitems of the trace, oldest first."""
    found: dict[str, list[dict]] = {"live": [], "shadow": []}
    for one in study.client.get(f"/api/v1/studies/{STUDY}").json()["workitems"]:
        found[one["stage"]].append(one)
    return found


def test_the_same_input_has_live_and_shadow_work_whose_results_are_kept_apart(study):
    study.arrives(*MOST)
    study.works(*study.completes())

    (live,), (shadow,) = by_stage(study).values()
    assert (live["rule"], shadow["rule"]) == (RULE, "next")
    assert live["outcome"] == shadow["outcome"] == "DONE"
    assert [one["workitem"]["uid"] for one in study.results()] == [live["workitem_uid"]]
    assert count(study, InstanceRow) == len(MOST) + 4  # SEG, SR, PR, SC of the live work
    with study.parts.database.read() as session:
        told = {row.workitem_uid for row in session.query(FhirRow)} - {""}  # "": several share it
        kept = {row.workitem_uid for row in session.query(ShadowObjectRow)}
    assert (told, kept) == ({live["workitem_uid"]}, {shadow["workitem_uid"]})
    (routed,) = study.events("shadow_routed")
    assert (routed["rule"], routed["stage"], "reason" in routed) == ("next", "shadow", False)
    assert "stage" not in study.events("routed")[0]


def test_shadow_work_alone_leaves_the_study_as_it_came(study):
    study.client.delete(f"/api/v1/rules/{RULE}")
    study.arrives(*MOST)
    study.works(*study.completes())

    assert count(study, InstanceRow) == len(MOST)
    assert count(study, FhirRow) == 0
    assert study.results() == []
    assert count(study, ShadowObjectRow) == 4


def test_shadow_work_takes_the_place_of_shadow_work_alone(study):
    study.arrives(*MOST)
    study.works(*study.completes())
    study.arrives(24)
    study.works(*study.completes())

    for stage, (first, second) in by_stage(study).items():
        later = study.row(second["workitem_uid"])
        assert later.stage == stage
        assert later.supersedes == first["workitem_uid"]
    (old_report, new_report) = [
        study.fhir("DiagnosticReport", one["workitem_uid"])[0]["status"]
        for one in by_stage(study)["live"]
    ]
    assert (old_report, new_report) == ("entered-in-error", "amended")


def test_a_rule_that_goes_live_supersedes_nothing_and_runs_on_what_shadow_work_had(study):
    study.client.delete(f"/api/v1/rules/{RULE}")
    study.arrives(*MOST)
    study.works(*study.completes())
    study.client.put("/api/v1/rules/next", json=SHADOW | {"stage": "live"})
    (live,) = study.completes()
    study.works(live)

    assert study.row(live).supersedes == ""
    (result,) = study.results()
    assert result["workitem"]["uid"] == live


def test_a_live_rule_runs_a_model_of_the_shadow_stage_in_shadow(study):
    study.client.delete("/api/v1/rules/next")
    with study.parts.database.write() as session:
        session.query(ModelRow).filter_by(name="lung_ct").one().stage = "shadow"
    study.arrives(*MOST)
    study.works(*study.completes())

    assert by_stage(study)["live"] == []
    assert study.events("shadow_routed")[0]["rule"] == RULE
    assert study.results() == []


def test_a_version_that_was_displaced_to_shadow_gets_what_the_live_one_gets(study):
    study.client.delete("/api/v1/rules/next")
    with study.parts.database.write() as session:
        live = session.query(ModelRow).filter_by(name="lung_ct").one()
        former = {"version": "0.9", "stage": "shadow", "registered_at": live.registered_at - 1}
        card = json.loads(live.card) | {"version": "0.9", "stage": "shadow"}
        session.add(ModelRow(name="lung_ct", digest="former", card=json.dumps(card), **former))
    study.arrives(*MOST)
    study.works(*study.completes())

    (live,), (former,) = by_stage(study).values()
    assert (former["model_version"], former["rule"]) == ("0.9", RULE)
    assert live["outcome"] == former["outcome"] == "DONE"
    assert [one["workitem"]["uid"] for one in study.results()] == [live["workitem_uid"]]
    assert study.events("shadow_routed")[0]["version"] == "0.9"


def test_administrators_alone_read_the_objects_of_shadow_work(study):
    study.arrives(*MOST)
    study.works(*study.completes())
    (live,), (shadow,) = by_stage(study).values()
    path = f"/api/v1/workitems/{shadow['workitem_uid']}/shadow-objects"

    tree = study.client.get(path).json()
    assert tree["measurements"]
    for one in tree["objects"]:
        url = f"{path}/{one['sop_instance_uid']}"
        assert one["url"] == f"http://testserver{url}"
        dataset = pydicom.dcmread(io.BytesIO(study.client.get(url).content))
        assert dataset.SOPInstanceUID == one["sop_instance_uid"]
    url = f"{path}/{tree['root']}"
    elsewhere = url.replace(shadow["workitem_uid"], live["workitem_uid"])
    assert study.client.get(elsewhere).status_code == 404
    assert study.client.get(elsewhere.rpartition("/")[0]).status_code == 404
    made = study.client.post("/api/v1/tokens", json={"name": "u", "role": "user"}).json()
    user = {"Authorization": f"Bearer {made['token']}"}
    assert study.client.get(path, headers=user).status_code == 403
    assert study.client.get(url, headers=user).status_code == 403


def test_the_page_of_the_study_lists_shadow_work_apart_and_marked(study):
    study.arrives(*MOST)
    study.works(*study.completes())
    (live,), (shadow,) = by_stage(study).values()

    page = study.client.get(f"/ui/studies/{STUDY}").text

    clinical, apart = page.split("Shadow work", 1)
    assert live["workitem_uid"] in clinical
    assert shadow["workitem_uid"] not in clinical
    assert '<span class="badge">shadow</span>' in apart
    assert f"/api/v1/workitems/{shadow['workitem_uid']}/shadow-objects/" in apart
    assert "lung_ct: done, lung_ct" not in study.client.get("/ui/").text


def test_deleting_the_study_takes_shadow_results_along(study):
    study.arrives(*MOST)
    study.works(*study.completes())

    assert study.client.delete(f"/dicom-web/studies/{STUDY}").status_code == 204
    assert count(study, ShadowObjectRow) == 0


def test_a_batch_shows_the_shadow_work_of_a_rule_and_leaves_it_when_it_is_deleted(study):
    study.arrives(*MOST)
    study.works(*study.completes())
    with study.parts.database.write() as session:
        session.get_one(StudyRow, STUDY).state = "COMPLETE"
    order = {"model": "lung_ct", "studies": [STUDY]}
    batch = study.client.post("/api/v1/batches", json=order).json()["id"]
    for _ in range(2):
        Feeder(study.parts.database, study.parts.registry, study).sweep()

    (line,) = study.client.get(f"/api/v1/batches/{batch}/lines").json()
    assert line["workitem_uid"] == by_stage(study)["shadow"][0]["workitem_uid"]
    assert study.client.delete(f"/api/v1/batches/{batch}").status_code == 204
    assert count(study, ShadowObjectRow) == 4

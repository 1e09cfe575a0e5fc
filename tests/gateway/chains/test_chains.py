"""Work of a chain: made together, done one after the other, told, published as the rule says."""

import json

import pytest
from pydicom import Dataset
from sqlalchemy import select

from adapters.runtimes.errors import ModelTimedOut
from gateway import worklist
from gateway.store.tables import (
    EventRow,
    FhirRow,
    InstanceRow,
    KeptFindingsRow,
    ShadowObjectRow,
)
from tests.gateway.chains.example import NOTHING, STUDY, House, house


@pytest.fixture
def chain(database, tmp_path) -> House:
    return house(database, tmp_path)


def created_by(chain: House) -> set[str]:
    """Models whose objects lie in the study."""
    names = {
        row.sop_instance_uid: row.model_name
        for model in chain.outcomes()
        for row in chain.rows(model)
    }
    with chain.parts.database.read() as session:
        return {names[uid] for uid in session.scalars(select(InstanceRow.created_by)) if uid}


def step(chain: House, model: str) -> Dataset:
    uid = chain.row(model).sop_instance_uid
    return Dataset.from_json(chain.client.get(f"/dicom-web/workitems/{uid}").json()[0])


def test_all_work_of_a_chain_is_made_at_once_and_done_one_after_the_other(chain):
    chain.completes()

    assert [len(chain.rows(name)) for name in chain.outcomes()] == [1, 1, 1]
    assert [job.workitem_uid for job in chain.jobs] == [chain.row("detector").sop_instance_uid]
    assert chain.works() == ["detector", "classifier", "reporter"]
    assert chain.outcomes() == {"detector": ["DONE"], "classifier": ["DONE"], "reporter": ["DONE"]}
    (result,) = chain.results()
    assert result["model"]["name"] == "reporter"
    (volume,) = result["measurements"]
    assert volume["value"] > 0


def test_only_the_last_is_published_and_the_others_are_kept_apart(chain):
    chain.completes()
    chain.works()

    assert created_by(chain) == {"reporter"}
    last = chain.row("reporter").sop_instance_uid
    with chain.parts.database.read() as session:
        assert set(session.scalars(select(FhirRow.workitem_uid))) - {""} == {last}
        apart = set(session.scalars(select(ShadowObjectRow.workitem_uid)))
        kept = set(session.scalars(select(KeptFindingsRow.workitem_uid)))
    others = {chain.row(name).sop_instance_uid for name in ("detector", "classifier")}
    assert apart == kept == others
    assert {chain.row(name).stage for name in ("detector", "classifier")} == {"intermediate"}


def test_a_rule_publishes_the_models_that_it_names(chain):
    chain.rule(publish=["detector", "reporter"])
    chain.completes()
    chain.works()

    assert created_by(chain) == {"detector", "reporter"}
    assert {one["model"]["name"] for one in chain.results()} == {"detector", "reporter"}
    told = step(chain, "reporter")
    outputs = step(chain, "detector").UnifiedProcedureStepPerformedProcedureSequence[0]
    published = {item.SeriesInstanceUID for item in outputs.OutputInformationSequence}
    assert published < {item.SeriesInstanceUID for item in told.InputInformationSequence}


def test_workitems_of_a_chain_refer_to_each_other_and_wait_until_their_input_is_ready(chain):
    chain.completes()

    before = step(chain, "reporter")
    assert (before.ProcedureStepState, before.InputReadinessState) == ("SCHEDULED", "INCOMPLETE")
    named = {item.UID for item in before.ScheduledProcessingParametersSequence}
    assert named == {chain.row(name).sop_instance_uid for name in ("detector", "classifier")}
    assert {item.ValueType for item in before.ScheduledProcessingParametersSequence} == {"UIDREF"}
    chain.works()
    assert step(chain, "reporter").InputReadinessState == "READY"


def test_work_that_waits_is_claimed_by_nobody(chain):
    chain.completes()
    uid = chain.row("reporter").sop_instance_uid

    assert worklist.claim(chain.parts.database, uid) is None
    state = {
        "00081195": {"vr": "UI", "Value": ["1.2.3"]},
        "00741000": {"vr": "CS", "Value": ["IN PROGRESS"]},
    }
    headers = {"Content-Type": "application/dicom+json"}
    path = f"/dicom-web/workitems/{uid}/state"
    refused = chain.client.put(path, content=json.dumps([state]), headers=headers)
    assert refused.status_code == 409
    assert "stands on" in refused.text
    assert chain.row("reporter").procedure_step_state == "SCHEDULED"


def test_a_condition_that_does_not_hold_ends_what_stands_on_it_and_says_why(chain):
    chain.runtime.models["detector"].probability = 0.4
    chain.completes()

    assert chain.works() == ["detector"]
    assert chain.outcomes() == {
        "detector": ["DONE"],
        "classifier": ["NOT_INDICATED"],
        "reporter": ["NOT_INDICATED"],
    }
    reason = chain.row("classifier").reason
    assert reason == (
        "by detector 1, found 1 region(s) of Lung; expected one of probability 0.5 or more"
    )
    (told,) = chain.results()
    assert told["workitem"]["outcome"] == "NOT_INDICATED"
    assert reason in told["reason"]
    with chain.parts.database.read() as session:
        bodies = [json.loads(row.body) for row in session.scalars(select(FhirRow))]
    (report,) = [one for one in bodies if one["resourceType"] == "DiagnosticReport"]
    assert (report["status"], reason in report["conclusion"]) == ("cancelled", True)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(NOTHING, "NOT_INDICATED"), (ModelTimedOut(3), "NOT_ATTEMPTED")],
    ids=["no result", "failed"],
)
def test_work_whose_earlier_work_gave_nothing_is_not_performed(chain, error, outcome):
    chain.runtime.models["detector"] = error
    chain.completes()

    assert set(chain.works()) == {"detector"}
    first = chain.row("detector")
    assert {row.outcome for row in (chain.row("classifier"), chain.row("reporter"))} == {outcome}
    assert chain.row("classifier").reason == (
        f"it stands on detector 1, which ended {first.outcome}: {first.reason}"
    )


def test_canceling_the_earlier_work_ends_the_later(chain):
    chain.completes()
    uid = chain.row("detector").sop_instance_uid
    chain.client.post(f"/dicom-web/workitems/{uid}/cancelrequest").raise_for_status()

    assert chain.works() == []
    assert chain.outcomes() == {
        "detector": ["CANCELED"],
        "classifier": ["NOT_ATTEMPTED"],
        "reporter": ["NOT_ATTEMPTED"],
    }


def test_the_same_chain_again_makes_no_second_work(chain):
    chain.completes()
    chain.works()
    chain.completes()

    assert chain.works() == []
    assert [len(chain.rows(name)) for name in chain.outcomes()] == [1, 1, 1]


def test_work_that_another_rule_orders_alone_is_shared(chain):
    chain.rule(name="alone", run="detector")
    chain.completes()

    assert chain.works() == ["detector", "classifier", "reporter"]
    assert chain.row("detector").stage == "live"
    assert created_by(chain) == {"detector", "reporter"}


def test_work_that_kept_no_findings_is_done_again_apart(chain):
    chain.client.delete("/api/v1/rules/chain")
    chain.rule(name="alone", run="detector")
    chain.completes()
    assert chain.works() == ["detector"]
    chain.rule()
    chain.completes()

    assert chain.works() == ["detector", "classifier", "reporter"]
    assert {row.stage for row in chain.rows("detector")} == {"live", "intermediate"}
    assert created_by(chain) == {"detector", "reporter"}


def test_events_and_spans_of_a_chain_are_of_one_study(chain):
    chain.completes()
    chain.works()

    with chain.parts.database.read() as session:
        events = session.scalars(select(EventRow).order_by(EventRow.id)).all()
    assert {event.study_instance_uid for event in events} == {STUDY}
    made = [json.loads(one.detail) for one in events if one.kind == "workitem_created"]
    assert [one.get("stands_on") for one in made] == [None, "detector", "detector, classifier"]
    (ready, _) = [json.loads(one.detail) for one in events if one.kind == "earlier_ended"]
    assert ready["stands_on"] == "detector DONE"


def test_deleting_the_study_takes_what_was_kept_along(chain):
    chain.completes()
    chain.works()
    chain.client.delete(f"/dicom-web/studies/{STUDY}").raise_for_status()

    with chain.parts.database.read() as session:
        assert session.query(KeptFindingsRow).count() == session.query(ShadowObjectRow).count() == 0
    assert {outcome for all_ in chain.outcomes().values() for outcome in all_} == {"WITHDRAWN"}

"""The worklist on both databases: states, claims, exactly one end."""

import json
import time

import pydicom.sr.codedict
import pytest
from pydicom import Dataset

from ai_models.bundled import bundled_models, digest_of
from gateway import worklist
from gateway.errors import NotFound
from gateway.outcomes import ENDINGS
from gateway.registry import RegisteredModel
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, SeriesRow, StudyRow, WorkitemRow
from standards import ups
from tests.headers import ct_series


def cid_concepts(number: int) -> set[str]:
    """The code values of a context group of PS3.16, with the groups that it includes."""
    group = getattr(pydicom.sr.codedict.codes, f"cid{number}")
    return {code.value for code in group.concepts.values()}


@pytest.fixture(scope="module")
def model() -> RegisteredModel:
    folder, card = next((f, c) for f, c in bundled_models().items() if c.name == "lung_ct")
    return RegisteredModel(card, digest_of(folder))


def create(database: Database, model: RegisteredModel, **series) -> WorkitemRow | None:
    chosen = ct_series(PatientName="Doe^Jane", PatientID="7", **series)
    with database.write() as session:
        return worklist.create(session, model, "1.2.3", {"image": chosen}, "chest")


def step_of(database: Database, uid: str) -> Dataset:
    with database.read() as session:
        return Dataset.from_json(json.loads(session.get(WorkitemRow, uid).dataset))


def test_a_new_workitem_is_scheduled_and_names_its_input(database, model):
    row = create(database, model, slices=24)

    step = step_of(database, row.sop_instance_uid)
    assert step.ProcedureStepState == "SCHEDULED"
    assert step.PatientName == "Doe^Jane"
    assert step.ScheduledWorkitemCodeSequence[0].CodeValue == "lung_ct"
    (item,) = step.InputInformationSequence
    assert item.SeriesInstanceUID == "1.2.3.1"
    assert len(item.ReferencedSOPSequence) == 24


def test_the_same_input_makes_no_second_workitem_but_another_instance_does(database, model):
    assert create(database, model, slices=24) is not None
    assert create(database, model, slices=24) is None
    assert create(database, model, slices=25) is not None


def test_inputs_of_which_another_content_is_stored_make_another_one_once(database, model):
    first = create(database, model, slices=24)
    with database.write() as session:
        for row in rows_of_an_instance(received_at=time.time()):
            session.add(row)
            session.flush()
    again = create(database, model, slices=24)
    assert again.sop_instance_uid != first.sop_instance_uid
    assert create(database, model, slices=24) is None
    assert worklist.repetition(first, model) == ""
    assert worklist.repetition(again, model) == again.sop_instance_uid


def rows_of_an_instance(received_at: float) -> list:
    series = {"study_instance_uid": "1.2.3", "series_instance_uid": "1.2.3.1"}
    times = {"created_at": received_at}
    return [
        StudyRow(study_instance_uid="1.2.3", attributes="{}", updated_at=received_at, **times),
        SeriesRow(**series, attributes="{}", **times),
        InstanceRow(
            **series,
            sop_instance_uid="1.2.3.1.1",
            sop_class_uid="1.2",
            transfer_syntax_uid="1.2",
            header=b"{}",
            archive_key="",
            size=1,
            sha256="",
            received_at=received_at,
        ),
    ]


def test_a_claim_starts_the_step_once_and_a_second_claim_takes_over(database, model):
    uid = create(database, model).sop_instance_uid

    first = worklist.claim(database, uid)
    second = worklist.claim(database, uid)

    assert first.started_at == second.started_at
    assert first.transaction_uid != second.transaction_uid
    assert second.attempts == 2
    assert step_of(database, uid).ProcedureStepState == "IN PROGRESS"


def test_only_the_last_claimer_can_complete(database, model):
    uid = create(database, model).sop_instance_uid
    first = worklist.claim(database, uid)
    second = worklist.claim(database, uid)
    outputs = [ups.InstanceReference("1.2", "1.2.3.9", "1.2.3.8")]

    with database.write() as session:
        assert not worklist.complete(session, first, model.performer, outputs, {"root": "a"})
    with database.write() as session:
        assert worklist.complete(session, second, model.performer, outputs, {"root": "b"})

    step = step_of(database, uid)
    (performed,) = step.UnifiedProcedureStepPerformedProcedureSequence
    (output,) = performed.OutputInformationSequence
    assert step.ProcedureStepState == "COMPLETED"
    assert output.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.9"
    assert worklist.claim(database, uid) is None


CANCELING = [outcome for outcome, e in ENDINGS.items() if e.state is ups.State.CANCELED]


@pytest.mark.parametrize("outcome", CANCELING)
def test_a_canceled_step_tells_its_reason_in_words_and_code(database, model, outcome):
    uid = create(database, model).sop_instance_uid
    claimed = worklist.claim(database, uid)

    with database.write() as session:
        assert worklist.cancel(session, claimed, outcome, "lungs: found none, expected two")

    step = step_of(database, uid)
    (progress,) = step.ProcedureStepProgressInformationSequence
    assert step.ProcedureStepState == "CANCELED"
    assert progress.ReasonForCancellation == "lungs: found none, expected two"
    (code,) = progress.ProcedureStepDiscontinuationReasonCodeSequence
    expected = ENDINGS[outcome].discontinued
    assert (code.CodeValue, code.CodingSchemeDesignator) == (expected.value, "DCM")
    assert code.CodeValue in cid_concepts(9300)


def test_a_job_that_was_put_off_does_not_count_as_an_attempt(database, model):
    uid = create(database, model).sop_instance_uid
    claimed = worklist.claim(database, uid)

    with database.write() as session:
        assert worklist.put_off(session, claimed, "the archive is away", 1, counts=False)

    assert worklist.claim(database, uid, put_offs=1).attempts == 1


def test_a_job_from_before_the_workitem_was_put_off_is_void(database, model):
    uid = create(database, model).sop_instance_uid
    claimed = worklist.claim(database, uid)
    with database.write() as session:
        assert worklist.put_off(session, claimed, "the model crashed", 1, counts=True)
        assert not worklist.put_off(session, replaced(claimed), "it did so again", 1, counts=True)

    assert worklist.claim(database, uid) is None
    again = worklist.claim(database, uid, put_offs=1)
    assert (again.attempts, again.not_before) == (2, None)


def replaced(claimed: WorkitemRow) -> WorkitemRow:
    """As a worker knows it that lost it to another."""
    return WorkitemRow(sop_instance_uid=claimed.sop_instance_uid, transaction_uid="2.25.1")


def test_results_with_warnings_say_so(database, model):
    uid = create(database, model).sop_instance_uid
    claimed = worklist.claim(database, uid)
    with database.write() as session:
        results = {"root": "a", "warnings": ["The lowest slice is cut."]}
        assert worklist.complete(session, claimed, model.performer, [], results)

    with database.read() as session:
        row = session.get(WorkitemRow, uid)
    assert (row.procedure_step_state, row.outcome) == ("COMPLETED", "DONE_WITH_WARNINGS")
    assert row.reason == "The lowest slice is cut."


def test_an_unknown_workitem_is_named(database):
    with pytest.raises(NotFound, match=r"workitem '1\.9'"):
        worklist.claim(database, "1.9")

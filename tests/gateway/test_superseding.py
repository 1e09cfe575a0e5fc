"""What comes after a study was complete: the new result takes the place of the old, or does not."""

import random
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread

from adapters.runtimes.errors import ModelTimedOut
from ai_models.contract import NoResult
from gateway import worklist
from gateway.outcomes import Outcome
from gateway.routing.router import AGAIN
from gateway.store.tables import InstanceRow, WorkitemRow
from gateway.superseding import IGNORED, OTHER_SERIES, superseded_by
from tests import judges
from tests.fhir_schema import schema_errors
from tests.gateway.late_example import STUDY, Growing, growing

MOST = range(24)


@pytest.fixture
def study(database, tmp_path) -> Growing:
    return growing(database, tmp_path)


def report(study: Growing, uid: str) -> Dataset:
    """The SR of a workitem, as the archive has it."""
    with study.parts.database.read() as session:
        rows = session.query(InstanceRow).filter_by(created_by=uid)
        keys = [row.archive_key for row in rows if row.sop_class_uid.startswith(SR_CLASSES)]
    (key,) = keys
    return dcmread(BytesIO(study.parts.archive.read(key)))


SR_CLASSES = "1.2.840.10008.5.1.4.1.1.88."


def test_the_new_report_names_the_old_one_as_its_predecessor_and_every_judge_accepts_both(
    study, tmp_path
):
    first = study.grows(*MOST)
    second = study.grows(24)

    old, new = report(study, first), report(study, second)
    (predecessor,) = new.PredecessorDocumentsSequence
    (series,) = predecessor.ReferencedSeriesSequence
    (document,) = series.ReferencedSOPSequence
    assert predecessor.StudyInstanceUID == STUDY
    assert series.SeriesInstanceUID == old.SeriesInstanceUID
    assert document.ReferencedSOPClassUID == old.SOPClassUID
    assert document.ReferencedSOPInstanceUID == old.SOPInstanceUID
    assert "PredecessorDocumentsSequence" not in old
    for name, dataset in (("old", old), ("new", new)):
        path = tmp_path / f"{name}.dcm"
        dataset.save_as(path)
        assert judges.dciodvfy(path) == []
        assert judges.dsrdump(path) == []


def test_fhir_withdraws_the_old_statements_and_calls_the_new_report_amended(study):
    first = study.grows(*MOST)
    (before,) = study.fhir("DiagnosticReport", first)
    assert (before["status"], "extension" in before) == ("preliminary", False)
    second = study.grows(24)

    (old,), (new,) = study.fhir("DiagnosticReport", first), study.fhir("DiagnosticReport", second)
    assert old["status"] == "entered-in-error"
    assert f"superseded by the result of workitem {second}" in old["conclusion"]
    assert {one["status"] for one in study.fhir("Observation", first)} == {"entered-in-error"}
    assert new["status"] == "amended"
    (extension,) = new["extension"]
    assert extension["valueReference"]["reference"] == f"DiagnosticReport/{old['id']}"
    assert {one["status"] for one in study.fhir("Observation", second)} == {"preliminary"}
    (provenance,) = study.fhir("Provenance", second)
    revised = [one["what"] for one in provenance["entity"] if one["role"] == "revision"]
    assert revised == [{"reference": f"DiagnosticReport/{old['id']}"}]
    for resource in (old, new, provenance):
        assert schema_errors(resource) == []


def test_the_result_tree_shows_the_newest_and_the_others_when_asked_for(study):
    first, second, third = study.grows(*MOST), study.grows(24), study.grows(25)

    (newest,) = study.results()
    assert newest["workitem"]["uid"] == third
    assert newest["workitem"]["supersedes"] == second
    told = {one["workitem"]["uid"]: one["workitem"] for one in study.results(superseded=True)}
    assert {uid: one["superseded_by"] for uid, one in told.items()} == {
        first: third,
        second: third,
        third: "",
    }


def test_the_old_workitem_stays_completed_and_the_new_one_refers_to_it(study):
    first, second = study.grows(*MOST), study.grows(24)

    old, new = (
        study.client.get(f"/dicom-web/workitems/{uid}").json()[0] for uid in (first, second)
    )
    assert Dataset.from_json(old).ProcedureStepState == "COMPLETED"
    (replaced,) = Dataset.from_json(new).ReplacedProcedureStepSequence
    assert replaced.ReferencedSOPInstanceUID == first
    assert replaced.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.34.6.1"


def test_nothing_of_the_old_result_is_withdrawn_before_the_new_one_is_there(study):
    first = study.grows(*MOST)
    study.arrives(24)
    (second,) = study.completes()

    (old,) = study.fhir("DiagnosticReport", first)
    assert old["status"] == "preliminary"
    assert {one["workitem"]["uid"] for one in study.results()} == {first, second}


def test_work_that_has_not_ended_gives_way_and_cannot_publish_any_more(study):
    study.arrives(*MOST)
    (waiting,) = study.completes()
    study.arrives(24)
    (begun,) = study.completes()
    assert study.row(waiting).outcome == Outcome.SUPERSEDED
    claimed = worklist.claim(study.parts.database, begun)
    assert claimed is not None
    study.arrives(25)
    (last,) = study.completes()
    with study.parts.database.write() as session:
        assert not worklist.cancel(session, claimed, Outcome.FAILED, "too late")
    study.works(waiting, begun, last)

    assert study.row(begun).outcome == Outcome.SUPERSEDED
    assert study.row(last).outcome == Outcome.DONE
    assert "PredecessorDocumentsSequence" not in report(study, last)
    assert [one["workitem"]["uid"] for one in study.results()] == [last]


def test_an_outside_performer_keeps_its_claim(study):
    study.arrives(*MOST)
    (outside,) = study.completes()
    with study.parts.database.write() as session:
        session.get_one(WorkitemRow, outside).claimed_outside = True
    study.arrives(24)
    (later,) = study.completes()
    assert study.row(outside).outcome == ""
    assert study.row(later).supersedes == outside


def test_a_refusal_takes_the_place_of_a_result_and_a_failure_does_not(study):
    first = study.grows(*MOST)
    study.runtime.error = ModelTimedOut(3)
    failed = study.grows(24)
    assert study.row(failed).outcome == Outcome.TIMED_OUT
    assert {one["workitem"]["uid"] for one in study.results()} == {first, failed}
    assert study.fhir("DiagnosticReport", first)[0]["status"] == "preliminary"

    study.runtime.error = NoResult("lungs", "found none", "expected two")
    refused = study.grows(25)
    assert [one["workitem"]["uid"] for one in study.results()] == [refused]
    assert study.fhir("DiagnosticReport", first)[0]["status"] == "entered-in-error"
    assert study.fhir("DiagnosticReport", failed)[0]["status"] == "entered-in-error"
    (told,) = study.fhir("DiagnosticReport", refused)
    assert told["status"] == "cancelled"

    study.runtime.error = None
    last = study.grows(26)
    predecessor = report(study, last).PredecessorDocumentsSequence[0]
    (document,) = predecessor.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert document.ReferencedSOPInstanceUID == report(study, first).SOPInstanceUID
    assert study.fhir("DiagnosticReport", last)[0]["status"] == "amended"


def test_the_same_input_again_is_no_new_work(study):
    study.grows(*MOST)
    study.arrives(*MOST)
    assert study.completes() == []
    assert study.events("not_routed")[0]["reason"] == AGAIN


def test_amend_runs_again_when_more_came_of_the_series_behind_the_result(database, tmp_path):
    study = growing(database, tmp_path, late="amend")
    first = study.grows(*MOST)
    assert study.row(study.grows(24)).supersedes == first


def test_amend_leaves_the_result_when_the_selector_would_choose_another_series(sqlite, tmp_path):
    study = growing(sqlite, tmp_path, late="amend")
    study.grows(*MOST)
    other = {"SeriesInstanceUID": "1.2.826.0.5.1", "ConvolutionKernel": "B30f"}
    for number in range(30):
        study.arrives(number, SOPInstanceUID=f"1.2.826.0.5.1.{number}", **other)
    assert study.completes() == []
    (told,) = study.events("late_ignored")
    assert told["reason"] == OTHER_SERIES


def test_ignore_leaves_the_result_and_says_so_in_the_trace(database, tmp_path):
    study = growing(database, tmp_path, late="ignore")
    first = study.grows(*MOST)
    study.arrives(24)
    assert study.completes() == []
    (told,) = study.events("late_ignored")
    assert (told["rule"], told["reason"]) == ("chest", IGNORED)
    assert [one["workitem"]["uid"] for one in study.results()] == [first]


@pytest.mark.parametrize("seed", range(3))
def test_no_order_of_arrivals_and_ends_makes_a_cycle(sqlite, tmp_path, seed):
    """Growing, failing, refusing, giving way: each chain ends, and one result is the newest."""
    chance, study = random.Random(seed), growing(sqlite, tmp_path)
    study.arrives(*MOST)
    for number in range(24, 30):
        made = study.completes()
        study.runtime.error = chance.choice([None, None, NoResult("lungs", "none", "two")])
        if chance.random() < 0.6:
            study.works(*made)
        study.arrives(number)
    study.runtime.error = None
    (last,) = study.completes()
    study.works(last)

    with study.parts.database.read() as session:
        rows = list(session.query(WorkitemRow))
    earlier = {row.sop_instance_uid: row.supersedes for row in rows}
    for start in earlier:
        seen, uid = set(), start
        while uid:
            assert uid not in seen
            seen.add(uid)
            uid = earlier[uid]
    newest = superseded_by(rows)
    standing = [row.sop_instance_uid for row in rows if row.sop_instance_uid not in newest]
    assert standing == [last]
    assert set(newest.values()) == {last}

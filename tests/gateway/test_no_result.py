"""Work without a result, where its rule wants an SR that says so: what lies in the study then."""

from collections.abc import Callable
from typing import Any

import pytest
from pydicom import Dataset

from adapters.errors import ArchiveRefused, ArchiveUnavailable
from adapters.runtimes.errors import ModelFailed, ModelTimedOut
from adapters.runtimes.model_process import Prediction
from ai_models.contract import NoResult
from gateway import worklist
from gateway.failures import CancelRequested
from gateway.outcomes import Outcome
from gateway.store.tables import InstanceRow, TombstoneRow
from standards.errors import UnfitSeries
from standards.sr_text import report_text
from tests import judges
from tests.gateway.late_example import RULE, STUDY, FindsLungs, Growing, growing
from tests.gateway.test_superseding import report

MOST = range(24)
NOTHING = NoResult("lungs", "none", "two")


@pytest.fixture
def study(database, tmp_path) -> Growing:
    return asking(growing(database, tmp_path))


@pytest.fixture
def small(sqlite, tmp_path) -> Growing:
    """Where the database makes no difference."""
    return asking(growing(sqlite, tmp_path))


def asking(study: Growing) -> Growing:
    rule = {"name": RULE, "run": "lung_ct", "sr_without_result": True}
    study.client.put(f"/api/v1/rules/{RULE}", json=rule).raise_for_status()
    return study


def found(study: Growing, uid: str) -> list[str]:
    """SOP Instance UIDs of what the index has of a workitem."""
    with study.parts.database.read() as session:
        rows = session.query(InstanceRow).filter_by(created_by=uid)
        return [row.sop_instance_uid for row in rows]


def buried(study: Growing) -> list[str]:
    with study.parts.database.read() as session:
        return [row.uid for row in session.query(TombstoneRow)]


def predecessors(dataset: Dataset) -> set[str]:
    return {
        one.ReferencedSOPInstanceUID
        for study in dataset.get("PredecessorDocumentsSequence", [])
        for series in study.ReferencedSeriesSequence
        for one in series.ReferencedSOPSequence
    }


@pytest.mark.parametrize(
    ("error", "outcome", "status"),
    [
        (NOTHING, "NO_RESULT", "Not Attempted"),
        (UnfitSeries("spacing", "a gap", "even slices"), "REFUSED_INPUT", "Not Attempted"),
        (ModelTimedOut(3), "TIMED_OUT", "Failed"),
    ],
)
def test_the_report_is_a_result_like_any_other(small, tmp_path, error, outcome, status):
    small.runtime.error = error
    uid = small.grows(*MOST)

    row, sr = small.row(uid), report(small, uid)
    assert (row.outcome, row.reason) == (outcome, str(error))
    path = tmp_path / "none.dcm"
    sr.save_as(path)
    assert judges.dciodvfy(path) == []
    assert judges.dsrdump(path) == []
    assert status in judges.dsrdump_text(path)
    assert str(error) in report_text(sr)
    (tree,) = small.results()
    (named,) = tree["objects"]
    assert (tree["root"], tree["reason"]) == (sr.SOPInstanceUID, str(error))
    assert named["kind"] == "SR"
    assert small.client.get(named["url"].removeprefix("http://testserver")).status_code == 200
    series = small.client.get(f"/dicom-web/studies/{STUDY}/series?Modality=SR").json()
    assert [one["0020000E"]["Value"] for one in series] == [[sr.SeriesInstanceUID]]
    image_study = small.client.get(f"/fhir/r4/ImagingStudy/{STUDY}").json()
    assert sr.SeriesInstanceUID in {one["uid"] for one in image_study["series"]}


def test_a_replay_gives_the_result_and_names_the_report_of_the_failure(study):
    study.runtime.error = ModelTimedOut(3)
    failed = study.grows(*MOST)
    study.runtime.error = None
    again = study.client.post(f"/api/v1/workitems/{failed}/replay").json()["workitem_uid"]
    study.works(again)

    assert study.row(again).outcome == Outcome.DONE
    assert predecessors(report(study, again)) == {report(study, failed).SOPInstanceUID}
    (told,) = study.fhir("DiagnosticReport", again)
    assert (told["status"], "extension" in told) == ("preliminary", False)


def test_a_later_result_takes_the_place_of_all_reports_since_the_last_one_that_stands(study):
    first = study.grows(*MOST)
    study.runtime.error = ModelTimedOut(3)
    failed = study.grows(24)
    assert predecessors(report(study, failed)) == set()
    study.runtime.error = NOTHING
    refused = study.grows(25)
    study.runtime.error = None
    last = study.grows(26)

    reports = {uid: report(study, uid).SOPInstanceUID for uid in (first, failed, refused)}
    assert predecessors(report(study, refused)) == {reports[first], reports[failed]}
    assert predecessors(report(study, last)) == {reports[refused]}
    assert [one["workitem"]["uid"] for one in study.results()] == [last]


def test_without_being_asked_for_nothing_is_stored(sqlite, tmp_path):
    study = growing(sqlite, tmp_path)
    study.runtime.error = NOTHING
    uid = study.grows(*MOST)

    assert found(study, uid) == []
    assert study.results()[0]["root"] is None


def test_what_is_canceled_or_in_shadow_has_none(small):
    small.runtime.error = CancelRequested("not needed any more")
    assert found(small, small.grows(*MOST)) == []

    rule = {"name": RULE, "run": "lung_ct", "sr_without_result": True, "stage": "shadow"}
    small.client.put(f"/api/v1/rules/{RULE}", json=rule).raise_for_status()
    small.runtime.error = NOTHING
    shadow = small.grows(24)
    assert (small.row(shadow).outcome, found(small, shadow)) == ("NO_RESULT", [])


def test_an_archive_that_is_away_puts_the_end_off_and_loses_nothing(study, monkeypatch):
    study.runtime.error = ModelFailed("KeyError", "weights")
    study.arrives(*MOST)
    (uid,) = study.completes()

    def away(_content):
        raise ArchiveUnavailable("http://archive.test", "refused")

    with monkeypatch.context() as outage:
        outage.setattr(study.parts.archive, "store", away)
        study.works(uid, uid, uid)
    row = study.row(uid)
    assert (row.procedure_step_state, row.outcome, row.attempts) == ("IN PROGRESS", "", 1)

    study.works(uid)
    row = study.row(uid)
    assert (row.outcome, row.attempts) == ("FAILED", 2)
    assert found(study, uid) == [report(study, uid).SOPInstanceUID]


def test_where_the_archive_will_not_have_the_report_the_reason_says_so(small, monkeypatch):
    small.runtime.error = NOTHING
    small.arrives(*MOST)
    (uid,) = small.completes()

    def refuses(_content):
        raise ArchiveRefused("structured reports are not taken")

    monkeypatch.setattr(small.parts.archive, "store", refuses)
    small.works(uid)

    row = small.row(uid)
    assert row.outcome == "NO_RESULT"
    assert row.reason.startswith(f"{NOTHING}; no SR says so: ")
    assert small.fhir("DiagnosticReport", uid)[0]["conclusion"].endswith(row.reason)


class Unread(FindsLungs):
    def predict(self, *_: object, **__: object) -> Prediction:
        raise UnfitSeries("SOPClassUID", "frames", "single images")


def test_a_series_refused_before_a_header_has_passed_is_told_by_what_the_index_knows(small):
    small.runtime = Unread()
    uid = small.grows(*MOST)

    assert small.row(uid).outcome == "REFUSED_INPUT"
    assert found(small, uid) == [report(small, uid).SOPInstanceUID]


class Overtaken(FindsLungs):
    """While this worker is at it, another one ends the work."""

    meanwhile: Callable[[], None] | None = None

    def predict(self, *arguments: Any, **named: Any) -> Prediction:
        if (other := self.meanwhile) is not None:
            self.meanwhile = None
            other()
        return super().predict(*arguments, **named)


def test_the_report_of_a_worker_that_was_overtaken_stays_if_the_work_ended_alike(small):
    small.runtime = runtime = Overtaken()
    small.arrives(*MOST)
    (uid,) = small.completes()
    runtime.error, runtime.meanwhile = NOTHING, lambda: small.works(uid)
    small.works(uid)

    assert found(small, uid) == [report(small, uid).SOPInstanceUID]
    assert buried(small) == []


def test_it_leaves_the_archive_if_the_work_ended_otherwise(study):
    study.runtime = runtime = Overtaken()
    study.arrives(*MOST)
    (uid,) = study.completes()

    def cancels() -> None:
        claimed = worklist.claim(study.parts.database, uid)
        assert claimed is not None
        with study.parts.database.write() as session:
            assert worklist.cancel(session, claimed, Outcome.CANCELED, "asked for")

    runtime.error, runtime.meanwhile = NOTHING, cancels
    study.works(uid)

    assert (study.row(uid).outcome, found(study, uid), len(buried(study))) == ("CANCELED", [], 1)

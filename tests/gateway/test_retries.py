"""What a pipeline does with errors of each kind, on both databases."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from adapters.errors import ArchiveUnavailable
from adapters.memory import MemoryArchive
from adapters.runtimes.errors import ModelCrashed, ModelFailed, ModelTimedOut
from ai_models.contract import NoResult
from gateway import services
from gateway.jobs import Job
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.tables import EventRow, FhirRow, WorkitemRow
from standards.errors import UnfitSeries
from tests.gateway.deletion_example import Example
from tests.gateway.pipelines import pipeline_of


@dataclass
class Ends:
    """A runtime that reads its input; its model ends as told, one error for each prediction."""

    errors: list[BaseException]

    def predict(self, _entry: object, contents: Iterable[bytes], **_: object) -> None:
        list(contents)
        raise self.errors.pop(0)


@dataclass
class Later:
    """Stands for the engine: notes what is to be done later."""

    jobs: list[Job] = field(default_factory=list)

    def enqueue(self, session, workitem_uid: str) -> None:
        row = session.get_one(WorkitemRow, workitem_uid)
        self.jobs.append(Job(workitem_uid, row.put_offs))


@dataclass
class Work:
    """One workitem and what becomes of it."""

    example: Example
    uid: str
    later: Later = field(default_factory=Later)

    def do(self, *errors: BaseException) -> WorkitemRow:
        """Perform it until nothing is left to be done later, each time ending in the next error."""
        runtime = Ends(list(errors))
        pipeline = pipeline_of(self.example.parts, runtime, self.later)
        self.later.jobs.append(Job(self.uid))
        while self.later.jobs and runtime.errors:
            pipeline.perform(self.later.jobs.pop(0))
        return self.example.row(self.uid)

    def rows(self, table) -> list:
        with self.example.parts.database.read() as session:
            return list(session.query(table))

    @property
    def report(self) -> dict | None:
        bodies = [json.loads(row.body) for row in self.rows(FhirRow)]
        return next((b for b in bodies if b["resourceType"] == "DiagnosticReport"), None)


@pytest.fixture
def work(database: Database, tmp_path: Path) -> Work:
    settings = Settings(data=tmp_path, archive="folder", token="a-token-for-tests")
    example = Example(services.build(settings, MemoryArchive(), database))
    example.store()
    created = example.workitem()
    assert created is not None
    return Work(example, created.sop_instance_uid)


AWAY = ArchiveUnavailable("http://archive.test", "refused")


@pytest.mark.parametrize("error", [AWAY, MemoryError(), ConnectionResetError("peer")])
def test_what_mends_itself_is_tried_on_and_on_and_is_no_attempt(work, error):
    row = work.do(*[error] * 7)

    assert (row.procedure_step_state, row.attempts, row.put_offs) == ("IN PROGRESS", 0, 7)
    assert work.later.jobs == [Job(work.uid, 7)]
    pauses = [json.loads(e.detail)["for"] for e in work.rows(EventRow) if e.kind == "put_off"]
    assert pauses == ["0.5 s", "1 s", "2 s", "5 s", "10 s", "30 s", "60 s"]


@pytest.mark.parametrize("error", [ModelCrashed(-11), ModelFailed("KeyError", "weights")])
def test_a_model_that_fails_is_tried_once_more_and_then_dead(work, error):
    row = work.do(error, error, error)

    assert (row.outcome, row.attempts, row.reason) == ("FAILED", 2, str(error))
    assert not work.later.jobs
    assert (work.report["status"], str(error) in work.report["conclusion"]) == ("cancelled", True)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NoResult("lungs", "none", "two"), "NO_RESULT"),
        (UnfitSeries("spacing", "a gap", "even slices"), "REFUSED_INPUT"),
        (ModelTimedOut(3), "TIMED_OUT"),
    ],
)
def test_what_would_end_the_same_way_again_is_not_tried_again_and_told_in_fhir(
    work, error, outcome
):
    row = work.do(error, error)

    assert (row.procedure_step_state, row.outcome, row.attempts) == ("CANCELED", outcome, 1)
    assert work.report["status"] == "cancelled"
    assert json.loads(row.results)["reason"] == row.reason == str(error)


def test_what_nobody_thought_of_is_tried_five_times_and_told_without_its_words(work):
    row = work.do(*[ValueError("Doe^Jane")] * 9)

    assert (row.outcome, row.attempts) == ("FAILED", 5)
    assert "ValueError" in row.reason
    assert "Doe" not in row.reason


def test_a_database_that_is_away_is_the_engines_to_wait_for(work):
    with pytest.raises(OperationalError):
        work.do(OperationalError("", {}, OSError("gone")))


def test_a_failure_whose_input_is_gone_still_ends(work):
    work.example.client.delete(
        f"/dicom-web/studies/{work.example.row(work.uid).study_instance_uid}"
    )

    assert work.do(ModelCrashed(-9)).outcome == "WITHDRAWN"

"""A study that a model has worked on, with its results in DICOM, FHIR and the worklist."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from fastapi.testclient import TestClient
from sqlalchemy import func, select

from gateway import worklist
from gateway.analysis import Stopwatch
from gateway.app import create_app
from gateway.completion import study_of
from gateway.keeping import Part
from gateway.outputs import encode
from gateway.pipeline import Answer, Pipeline
from gateway.registry import RegisteredModel
from gateway.services import Services
from gateway.store.tables import Base, InstanceRow, WorkitemRow
from standards.derived import part10
from tests.gateway.pipelines import pipeline_of
from tests.series import ct_series, key_pixels, small_result

TOKEN = "a-token-for-tests"
SOURCE = ct_series()
STUDY, SERIES = str(SOURCE[0].StudyInstanceUID), str(SOURCE[0].SeriesInstanceUID)
CONTENTS = [part10(instance) for instance in SOURCE]
STUDY_URL = f"/dicom-web/studies/{STUDY}"
SERIES_URL = f"{STUDY_URL}/series/{SERIES}"
DICOM = 'multipart/related; type="application/dicom"; transfer-syntax=*'


class ReadingRuntime:
    """Reads its input as a model does, and predicts nothing: the findings here are made up."""

    def predict(self, _entry: object, contents: Iterable[bytes], **_: object) -> None:
        list(contents)
        raise AssertionError("the input was all there")


class NoJobs:
    def enqueue(self, _session: object, workitem_uid: str) -> None:
        raise AssertionError(f"{workitem_uid} was not expected to be tried again")


@dataclass
class Example:
    """The parts, an administrator's client, and the steps of a study's life."""

    parts: Services

    @cached_property
    def client(self) -> TestClient:
        app = create_app(self.parts, TOKEN)
        return TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})

    def store(self, contents: list[bytes] = CONTENTS) -> None:
        outcome = self.parts.ingest.receive([Part(content) for content in contents])
        assert not outcome.result.failed, outcome.result.failed

    @cached_property
    def model(self) -> RegisteredModel:
        self.parts.registry.add_bundled()
        return self.parts.registry.versions("lung_ct")[0]

    @property
    def pipeline(self) -> Pipeline:
        return pipeline_of(self.parts, ReadingRuntime(), NoJobs())

    def workitem(self) -> WorkitemRow | None:
        model = self.model
        with self.parts.database.write() as session:
            (series,) = (
                one for one in study_of(session, STUDY).series if one.series_instance_uid == SERIES
            )
            return worklist.create(session, model, STUDY, {"image": series}, "chest")

    def results(self) -> Answer:
        """Objects of a result on the study, in the archive but not yet in the index."""
        result = small_result(SOURCE, algorithm=self.model.algorithm)
        objects = list(encode(result, lambda _: key_pixels(result, SOURCE)))
        return Answer(result, objects, [self.pipeline._keep(one) for one in objects])

    def publish(self, claimed: WorkitemRow, answer: Answer) -> None:
        self.pipeline._publish(claimed, self.model, answer, Stopwatch())

    def work(self) -> str:
        """Do all the work on the study; the workitem's UID."""
        created = self.workitem()
        assert created is not None
        claimed = worklist.claim(self.parts.database, created.sop_instance_uid)
        assert claimed is not None
        self.publish(claimed, self.results())
        return created.sop_instance_uid

    def row(self, uid: str) -> WorkitemRow:
        with self.parts.database.read() as session:
            return session.get_one(WorkitemRow, uid)

    def count(self, table: type[Base]) -> int:
        with self.parts.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def made(self) -> list[InstanceRow]:
        """The result objects that the index knows."""
        with self.parts.database.read() as session:
            query = select(InstanceRow).where(InstanceRow.created_by != "")
            return list(session.scalars(query))

    def fhir(self, resource_type: str) -> list[dict]:
        bundle = self.client.get(f"/fhir/r4/{resource_type}").json()
        return [entry["resource"] for entry in bundle.get("entry", [])]

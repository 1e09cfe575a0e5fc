"""A study that grows after it was complete: routed by the real router, worked on by the pipeline.

The model's findings are made up, but for their number of slices.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from fastapi.testclient import TestClient
from sqlalchemy import select

from adapters.memory import MemoryArchive
from adapters.runtimes.model_process import Prediction
from gateway import services
from gateway.app import create_app
from gateway.completion import study_of
from gateway.jobs import Job
from gateway.keeping import Part
from gateway.routing.router import Router
from gateway.services import Services
from gateway.settings import Settings
from gateway.store.tables import EventRow, FhirRow, StudyRow, WorkitemRow
from standards.derived import part10
from standards.findings import Findings, KeyImage
from tests.gateway.pipelines import pipeline_of
from tests.series import KEY_SLICE, ct_series, label_map, measurements

TOKEN = "a-token-for-tests"
SOURCE = ct_series(slices=30)
STUDY = str(SOURCE[0].StudyInstanceUID)
RULE = "chest"


class FindsLungs:
    """A runtime whose model marks the same two bodies, or ends as told."""

    error: Exception | None = None

    def predict(self, _entry: object, contents: Iterable[bytes], **_: object) -> Prediction:
        slices = len(list(contents))
        if self.error is not None:
            raise self.error
        found = [label_map(slices), *measurements(), KeyImage(KEY_SLICE, -600, 1500)]
        return Prediction(Findings.of(found), 0.0, 0.0)


@dataclass
class Growing:
    """late: what the one rule says of late arrivals."""

    parts: Services
    late: str = "rerun"
    jobs: list[str] = field(default_factory=list)
    runtime: FindsLungs = field(default_factory=FindsLungs)

    def __post_init__(self) -> None:
        self.parts.registry.add_bundled()
        rule = {"name": RULE, "run": "lung_ct", "completion": {"late": self.late}}
        assert self.client.put(f"/api/v1/rules/{RULE}", json=rule).status_code == 200

    @cached_property
    def client(self) -> TestClient:
        return TestClient(
            create_app(self.parts, TOKEN), headers={"Authorization": f"Bearer {TOKEN}"}
        )

    def enqueue(self, _session: object, workitem_uid: str) -> None:
        self.jobs.append(workitem_uid)

    def arrives(self, *numbers: int, **attributes: object) -> None:
        """Instances of the study, by their place in it; attributes: keywords set otherwise."""
        contents = []
        for number in numbers:
            instance = ct_series(slices=30, **attributes)[number] if attributes else SOURCE[number]
            contents.append(part10(instance))
        outcome = self.parts.ingest.receive([Part(content) for content in contents])
        assert not outcome.result.failed, outcome.result.failed

    def completes(self) -> list[str]:
        """The study is complete now, and routed; the workitems that this made."""
        before = len(self.jobs)
        with self.parts.database.write() as session:
            row = session.get_one(StudyRow, STUDY)
            Router(self.parts.registry, self).route(session, study_of(session, STUDY), row)
        return self.jobs[before:]

    def works(self, *uids: str) -> None:
        pipeline = pipeline_of(self.parts, self.runtime, self)
        for uid in uids:
            pipeline.perform(Job(uid, self.row(uid).put_offs))

    def grows(self, *numbers: int, **attributes: object) -> str:
        """These come, the study completes, and all work on it is done; the one new workitem."""
        self.arrives(*numbers, **attributes)
        (uid,) = self.completes()
        self.works(uid)
        return uid

    def row(self, uid: str) -> WorkitemRow:
        with self.parts.database.read() as session:
            return session.get_one(WorkitemRow, uid)

    def results(self, *, superseded: bool = False) -> list[dict]:
        reply = self.client.get(f"/air/studies/{STUDY}/results", params={"superseded": superseded})
        return reply.json()["results"]

    def events(self, kind: str) -> list[dict]:
        with self.parts.database.read() as session:
            query = select(EventRow).where(EventRow.kind == kind).order_by(EventRow.id)
            return [json.loads(row.detail) for row in session.scalars(query)]

    def fhir(self, resource_type: str, workitem: str) -> list[dict]:
        with self.parts.database.read() as session:
            rows = session.scalars(
                select(FhirRow).where(
                    FhirRow.workitem_uid == workitem, FhirRow.resource_type == resource_type
                )
            )
            return [json.loads(row.body) for row in rows]


def growing(database, folder, late: str = "rerun") -> Growing:
    settings = Settings(data=folder, archive="folder", token=TOKEN)
    return Growing(services.build(settings, MemoryArchive(), database), late)


def complete(database, folder) -> Growing:
    """All of the study is there, and no rule was asked about it."""
    made = growing(database, folder)
    made.arrives(*range(len(SOURCE)))
    with database.write() as session:
        session.get_one(StudyRow, STUDY).state = "COMPLETE"
    return made

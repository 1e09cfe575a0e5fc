"""Chains of three tiny models on one study, performed by the real pipeline without a process each.

    detector -> classifier -> reporter

The detector finds two bodies, their volumes and a box; the classifier looks into the box, if there
is one; the reporter measures what the detector marked, if the classifier is sure.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from adapters.memory import MemoryArchive
from adapters.runtimes.child import answer
from adapters.runtimes.incoming import Incoming, incoming
from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import _ENDS, Prediction
from ai_models.card import ModelCard, Stage
from ai_models.contract import Inputs, NoResult
from ai_models.crops import crop
from gateway import services
from gateway.app import create_app
from gateway.completion import study_of
from gateway.dispatch import Dispatch
from gateway.jobs import Job
from gateway.keeping import Part
from gateway.models import stages
from gateway.pipeline import Pipeline
from gateway.routing.router import Router
from gateway.services import Services
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.tables import ModelRow, StudyRow, WorkitemRow
from standards import codes
from standards.classification import Classification
from standards.derived import part10
from standards.findings import Finding, LabelMap, Measurement, Region, Shape
from tests.cards import LEAST
from tests.gateway.pipelines import pipeline_of
from tests.series import ct_series, label_map

TOKEN = "a-token-for-tests"
SOURCE = ct_series(slices=8, rows=32, columns=48)
STUDY = str(SOURCE[0].StudyInstanceUID)
RULE = "chain"
LUNG = {"scheme": "SCT", "value": codes.LUNG.value, "meaning": "Lung"}
VOLUME = {"scheme": "SCT", "value": codes.VOLUME.value, "meaning": "Volume"}


class Detector:
    probability = 0.9

    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        slices, rows, columns = inputs.volume.voxels.shape
        box = ((10.0, 12.0), (20.0, 18.0))
        return [
            label_map(slices, rows, columns),
            Measurement(codes.VOLUME, 12.345, codes.MILLILITRE, codes.RIGHT_LUNG, 1),
            Region(Shape.BOX, box, "Body", codes.LUNG, image_index=4, probability=self.probability),
        ]


class Classifier:
    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        (region,) = inputs.findings["boxes"]
        assert isinstance(region, Region)
        part = crop(inputs.volume, region)
        assert part.voxels.shape == (1, 6, 10)
        return [Classification(codes.LUNG, codes.PRESENT, 0.75)]


class Reporter:
    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        labels, *_ = (one for one in inputs.findings["bodies"] if isinstance(one, LabelMap))
        assert labels.voxels.shape == inputs.volume.voxels.shape
        marked = float((labels.voxels > 0).sum()) * inputs.volume.voxel_ml
        return [Measurement(codes.VOLUME, marked, codes.MILLILITRE, codes.LUNG)]


def boxes(**changes: Any) -> dict[str, Any]:
    """The classifier's input of findings."""
    when = {"kind": "region", "finding": LUNG, "probability_at_least": 0.5}
    wanted = {"name": "boxes", "kind": "findings", "from_model": "detector", "kinds": ["region"]}
    return wanted | {"when": [when]} | changes


SURE = {"kind": "classification", "concept": LUNG, "probability_at_least": 0.7}
BODIES = {"name": "bodies", "kind": "findings", "from_model": "detector"}
JUDGED = {"name": "judged", "kind": "findings", "from_model": "classifier", "when": [SURE]}
SERIES = {"name": "image", "modality": ["CT"]}


def card(name: str, *findings: dict[str, Any], version: str = "1", **changes: Any) -> ModelCard:
    written = LEAST | {"name": name, "title": name.capitalize(), "version": version}
    runtime = {"entry": f"tests.gateway.chains.example:{name.capitalize()}"}
    inputs = [SERIES, *findings]
    return ModelCard.model_validate({**written, "runtime": runtime, "inputs": inputs, **changes})


CARDS = (
    card("detector"),
    card("classifier", boxes()),
    card("reporter", BODIES, JUDGED),
)


class InProcess:
    """Runs models as their processes do, in this one. models: by name; or what to raise."""

    def __init__(self) -> None:
        self.models: dict[str, Any] = {
            "detector": Detector(),
            "classifier": Classifier(),
            "reporter": Reporter(),
        }
        self.ran: list[str] = []

    def predict(
        self,
        model: Loadable,
        instances: Iterable[bytes],
        timeout_seconds: float,
        *,
        name: str,
        others: Mapping[str, Iterable[bytes]],
        **_: object,
    ) -> Prediction:
        own = self.models[model.card.name]
        self.ran.append(model.card.name)
        if isinstance(own, BaseException):
            raise own
        received: dict[str, Incoming] = {}
        for one, contents in {name: instances, **others}.items():
            received[one] = incoming(model.card, one)
            for content in contents:
                received[one].add(content)
        kind, *rest = answer(own, model, received, lambda _: None)
        if kind != "findings":
            raise _ENDS[kind](*rest)
        return Prediction(rest[0], 0.0, 0.0)


@dataclass
class House:
    """A gateway whose study has come, with the models of a chain and a rule that runs the last."""

    parts: Services
    runtime: InProcess = field(default_factory=InProcess)
    jobs: list[Job] = field(default_factory=list)
    last: Job | None = None

    @cached_property
    def client(self) -> TestClient:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return TestClient(create_app(self.parts, TOKEN), headers=headers)

    def enqueue(self, session: Session, workitem_uid: str) -> None:
        row = session.get_one(WorkitemRow, workitem_uid)
        self.jobs.append(Job(workitem_uid, row.put_offs))

    def register(self, card: ModelCard, stage: Stage = Stage.LIVE) -> None:
        """Without loading what runs it."""
        row = ModelRow(
            name=card.name,
            version=card.version,
            digest=f"digest of {card.name} {card.version}",
            card=card.model_dump_json(),
            registered_at=time.time(),
        )
        with self.parts.database.write() as session:
            stages.begin(session, row, stages.Order("tester"), stage)

    def rule(self, **changes: Any) -> None:
        rule = {"name": RULE, "run": "reporter"} | changes
        self.client.put(f"/api/v1/rules/{rule['name']}", json=rule).raise_for_status()

    def arrives(self, *numbers: int) -> None:
        contents = [part10(SOURCE[number]) for number in numbers]
        outcome = self.parts.ingest.receive([Part(content) for content in contents])
        assert not outcome.result.failed, outcome.result.failed

    def completes(self) -> None:
        """The study is complete now, and routed."""
        with self.parts.database.write() as session:
            row = session.get_one(StudyRow, STUDY)
            row.state = "COMPLETE"
            Router(self.parts.registry, self).route(session, study_of(session, STUDY), row)

    def works(self) -> list[str]:
        """All jobs are done, and those that come of it; the models that ran."""
        before = len(self.runtime.ran)
        while self.jobs or Dispatch(self.parts.database, self).sweep():
            while self.jobs:
                self.last = self.jobs.pop(0)
                self.pipeline.perform(self.last)
        return self.runtime.ran[before:]

    @property
    def pipeline(self) -> Pipeline:
        return pipeline_of(self.parts, self.runtime, self)

    def rows(self, model: str) -> list[WorkitemRow]:
        """Its workitems, oldest first."""
        query = select(WorkitemRow).where(WorkitemRow.model_name == model)
        with self.parts.database.read() as session:
            return list(session.scalars(query.order_by(WorkitemRow.created_at)))

    def row(self, model: str) -> WorkitemRow:
        (row,) = self.rows(model)
        return row

    def outcomes(self) -> dict[str, list[str]]:
        return {one.name: [row.outcome for row in self.rows(one.name)] for one in CARDS}

    def results(self) -> list[dict[str, Any]]:
        return self.client.get(f"/air/studies/{STUDY}/results").json()["results"]


def house(database: Database, folder: Any) -> House:
    settings = Settings(data=folder, archive="folder", token=TOKEN)
    made = House(services.build(settings, MemoryArchive(), database))
    for one in CARDS:
        made.register(one)
    made.rule()
    made.arrives(*range(7))
    return made


NOTHING = NoResult("bodies", "none", "one or more")

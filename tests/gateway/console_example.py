"""A gateway with one study in its tables, as the console finds it after a run of lung_ct."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

from fastapi import FastAPI

from gateway.routers import console, console_batches, console_models, ohif
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.tables import (
    Base,
    EventRow,
    InstanceRow,
    ModelRow,
    SeriesRow,
    StudyRow,
    WorkitemRow,
)

STUDY = "1.2.826.0.1.3680043.10.511.3.1"
CT_SERIES = "1.2.826.0.1.3680043.10.511.3.2"
LOCALIZER = "1.2.826.0.1.3680043.10.511.3.3"
KEY_IMAGE_SERIES = "2.25.1003"
WORKITEM = "2.25.1000"
HOSTILE = "<script>alert('x')</script>"
CARD = {
    "name": "lung_ct",
    "version": "1.0.0",
    "title": "Lung CT volumetry",
    "description": "Segments both lungs of a whole chest CT and measures them.",
    "manufacturer": "Airgate",
    "intended_use": "Research use only.",
    "license": "Apache-2.0",
    "limits": ["Whole chest CT of adults only"],
    "runtime": {"entry": "ai_models.lung_ct.model:LungCt"},
    "inputs": [{"modality": ["CT"]}],
}
MEASUREMENTS = [
    {
        "site": site,
        "concept": concept,
        "derivation": derivation,
        "value": value,
        "unit": unit,
        "tracking_uid": "2.25.7",
    }
    for site, values in (
        ("Right lung", (2210.43, -812.4, 3.25)),
        ("Left lung", (1893.0, -799.06, 2.875)),
    )
    for derivation, concept, unit, value in zip(
        (None, "Mean", None),
        ("Volume", "Attenuation Coefficient", "Low attenuation area below -950 HU"),
        ("ml", "[hnsf'U]", "%"),
        values,
        strict=True,
    )
]
RESULTS = {
    "objects": [
        {
            "kind": kind,
            "sop_class_uid": "1.2.840.10008.5.1.4.1.1.7",
            "sop_instance_uid": f"2.25.{2000 + number}",
            "series_instance_uid": f"2.25.{1000 + number}",
            "series_description": f"Lung CT volumetry {kind}",
        }
        for number, kind in enumerate(("SEG", "SR", "PR", "SC"))
    ],
    "measurements": MEASUREMENTS,
    "classifications": [
        {
            "concept": "Pneumothorax",
            "value": "Absent",
            "probability": 0.97,
            "site": "Lung",
            "laterality": "Right",
        }
    ],
    "regions": [
        {"segment_number": 1, "name": "Right lung"},
        {
            "shape": "box",
            "sop_instance_uid": "1.2.3.1",
            "frame": 3,
            "name": "Nodule",
            "probability": None,
        },
    ],
    "fhir": [{"resource_type": "DiagnosticReport", "id": "report-1"}],
    "algorithm": {"name": "lung_ct", "version": "1.0.0"},
}


def gateway(folder: Path) -> FastAPI:
    """Console and viewer over an empty database in `folder`."""
    app = FastAPI()
    database = Database(f"sqlite:///{folder / 'airgate.db'}")
    Base.metadata.create_all(database.engine)
    settings = Settings(data=folder, ohif=folder / "ohif")
    app.state.services = SimpleNamespace(settings=settings, database=database)
    app.include_router(console.router)
    app.include_router(console_models.router)
    app.include_router(console_batches.router)
    app.include_router(ohif.router)
    return app


def fill(database: Database, *, ended: bool = True) -> None:
    """One study with a chosen and a passed-over series, and one workitem on it."""
    began = time.time() - 100
    with database.write() as session:
        session.add(study_row(STUDY, "Example^Anna^Maria", began))
        session.flush()
        for number, (uid, modality, name) in enumerate(
            ((CT_SERIES, "CT", "Thorax 1.0 B31"), (LOCALIZER, "CT", "Topogram")), start=1
        ):
            session.add(series_row(uid, modality, name, number, began))
        session.flush()
        session.add_all(instance_row(CT_SERIES, f"1.2.3.{n}", n, began) for n in range(1, 65))
        session.add(instance_row(LOCALIZER, "1.2.4.1", 1, began))
        session.add(model_row(began))
        session.add(workitem_row(began, ended=ended))
        session.add_all(events(began) if ended else events(began)[:4])


def study_row(uid: str, patient_name: str, at: float) -> StudyRow:
    attributes = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": patient_name}]}}
    return StudyRow(
        study_instance_uid=uid,
        patient_id="EX-0815",
        patient_name="example anna maria",
        study_date="20260314",
        study_time="142233.5",
        accession_number="A-77",
        study_description="CT Thorax",
        attributes=json.dumps(attributes),
        created_at=at,
        updated_at=at,
        state="COMPLETE",
        first_arrival_at=at,
        last_arrival_at=at + 4,
    )


def series_row(uid: str, modality: str, name: str, number: int, at: float) -> SeriesRow:
    return SeriesRow(
        series_instance_uid=uid,
        study_instance_uid=STUDY,
        modality=modality,
        series_number=number,
        series_description=name,
        attributes="{}",
        created_at=at,
    )


def instance_row(series: str, uid: str, number: int, at: float) -> InstanceRow:
    return InstanceRow(
        sop_instance_uid=uid,
        series_instance_uid=series,
        study_instance_uid=STUDY,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        instance_number=number,
        header=b"{}",
        archive_key=uid,
        size=1,
        sha256="",
        received_at=at,
    )


def model_row(at: float) -> ModelRow:
    return ModelRow(
        name="lung_ct",
        version="1.0.0",
        digest="sha256:0123",
        card=json.dumps(CARD),
        stage="live",
        registered_at=at,
    )


def workitem_row(at: float, *, ended: bool) -> WorkitemRow:
    return WorkitemRow(
        sop_instance_uid=WORKITEM,
        study_instance_uid=STUDY,
        series_instance_uid=CT_SERIES,
        procedure_step_state="COMPLETED" if ended else "IN PROGRESS",
        model_name="lung_ct",
        model_version="1.0.0",
        model_digest="sha256:0123",
        rule="chest-ct",
        outcome="DONE" if ended else "",
        progress=100 if ended else 40,
        dataset="{}",
        results=json.dumps(RESULTS) if ended else "",
        created_at=at + 14.1,
        started_at=at + 14.2,
        ended_at=at + 22.0 if ended else None,
    )


def events(began: float) -> list[EventRow]:
    routed = {
        "rule": "chest-ct",
        "model": "lung_ct",
        "series_instance_uid": CT_SERIES,
        "chosen_because": "64 slices, the most of the eligible series",
        "passed_over": [
            {
                "series_instance_uid": LOCALIZER,
                "description": HOSTILE,
                "reason": "Image Type holds LOCALIZER",
            }
        ],
    }
    told = (
        (0.0, "received", {"instances": 65, "source": "STOW-RS"}),
        (14.0, "complete", {"evidence": "quiet time", "quiet_seconds": 10}),
        (14.05, "routed", routed),
        (14.1, "workitem_created", {}),
        (14.2, "claimed", {"worker": "worker-1"}),
        (15.0, "step", {"name": "load", "seconds": 0.8}),
        (20.5, "step", {"name": "predict", "seconds": 5.5}),
        (21.6, "step", {"name": "encode", "seconds": 1.1}),
        (21.9, "stored", {"objects": 4}),
        (22.0, "done", {}),
    )
    return [
        EventRow(
            study_instance_uid=STUDY,
            workitem_uid=WORKITEM,
            at=began + offset,
            kind=kind,
            detail=json.dumps(detail),
        )
        for offset, kind, detail in told
    ]

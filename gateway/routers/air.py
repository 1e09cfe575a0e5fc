"""The AIR result tree of a study, with links to every carrier."""

import json
from typing import Any

from fastapi import APIRouter
from sqlalchemy import select

from gateway.deps import DatabaseOf, PublicRoot
from gateway.errors import NotFound
from gateway.retrieve.errors import Gone
from gateway.shadow import LIVE, is_apart
from gateway.store.tables import StudyRow, WorkitemRow
from gateway.superseding import superseded_by
from gateway.tombstones import was_deleted

router = APIRouter(prefix="/air", tags=["results"])


@router.get("/studies/{study_instance_uid}/results")
def results(
    study_instance_uid: str, database: DatabaseOf, root: PublicRoot, *, superseded: bool = False
) -> dict[str, Any]:
    """One tree per workitem: root SR, objects, regions, measurements, algorithm, FHIR.

    A workitem without a result tells its state, outcome and reason: silence is never an answer.
    One whose result gave way to a later one, after more of the study came, is left out unless
    asked for by `superseded=true`; it tells which one it gave way to.
    """
    with database.read() as session:
        if session.get(StudyRow, study_instance_uid) is None:
            if was_deleted(session, study_instance_uid, [study_instance_uid]):
                raise Gone("study", study_instance_uid)
            raise NotFound("study", study_instance_uid)
        rows = session.scalars(
            select(WorkitemRow)
            .where(WorkitemRow.study_instance_uid == study_instance_uid)
            .where(WorkitemRow.stage == LIVE)
            .order_by(WorkitemRow.created_at)
        ).all()
        newest = superseded_by(rows)
        trees = [
            tree(row, root, newest.get(row.sop_instance_uid, ""))
            for row in rows
            if superseded or row.sop_instance_uid not in newest
        ]
    return {
        "study_instance_uid": study_instance_uid,
        "viewer": f"{root}/viewer?StudyInstanceUIDs={study_instance_uid}",
        "results": trees,
    }


def tree(row: WorkitemRow, root: str, superseded_by: str = "") -> dict[str, Any]:
    """Of one workitem, with links."""
    found = json.loads(row.results) if row.results else {}
    for one in found.get("objects", ()):
        one["url"] = root + object_path(row, one)
    for one in found.get("fhir", ()):
        one["url"] = f"{root}/fhir/r4/{one['resource_type']}/{one['id']}"
    return {
        "workitem": {
            "uid": row.sop_instance_uid,
            "url": f"{root}/dicom-web/workitems/{row.sop_instance_uid}",
            "procedure_step_state": row.procedure_step_state,
            "outcome": row.outcome,
            "reason": row.reason,
            "supersedes": row.supersedes,
            "superseded_by": superseded_by,
        },
        "model": {"name": row.model_name, "version": row.model_version},
        **found,
    }


def object_path(row: WorkitemRow, one: dict[str, Any]) -> str:
    """Where an object of its tree is retrieved; what is kept apart from the study, here alone."""
    series, instance = one["series_instance_uid"], one["sop_instance_uid"]
    if is_apart(row):
        return f"/api/v1/workitems/{row.sop_instance_uid}/shadow-objects/{instance}"
    study = row.study_instance_uid
    return f"/dicom-web/studies/{study}/series/{series}/instances/{instance}"

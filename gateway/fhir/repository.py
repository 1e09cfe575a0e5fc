"""Resources kept and found again: the tables FhirRow and FhirSearchRow.

A workitem's answer is kept as a whole: what an earlier attempt said and this one does not is
gone, so a "no result" cannot outlive the result. Patient, ImagingStudy, Device and Endpoint are
shared by the answers of many workitems and belong to none; ImagingStudy is merged with what is
there already, since each answer knows only its own series of the study.
"""

import json
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from fhir.resources.R4B.resource import Resource
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.fhir.errors import UnknownResource
from gateway.fhir.parameters import RESOURCE_ID
from gateway.fhir.periods import instant_of
from gateway.fhir.values import values_of
from gateway.store.tables import FhirRow, FhirSearchRow
from standards.fhir import merged, withdrawn, without_instances

STATEMENTS = ("DiagnosticReport", "Observation")
SHARED_TYPES = frozenset({"Patient", "ImagingStudy", "Device", "Endpoint"})


def put_all(session: Session, resources: Sequence[Resource], workitem_uid: str) -> None:
    """Keep the answer of a workitem in the caller's transaction.

    A resource that has not changed keeps its version, so repeating the same work leaves no mark.
    Rows are locked in one order, so two workers with the same patient wait and do not deadlock.
    """
    bodies = [json.loads(resource.model_dump_json(exclude_none=True)) for resource in resources]
    for body in sorted(bodies, key=lambda body: (body["resourceType"], body["id"])):
        _put(session, body, workitem_uid)
    _drop_others(session, bodies, workitem_uid)


def withdraw(session: Session, workitem_uids: Collection[str], reason: str) -> None:
    """What these workitems said is not to be used any more, where that is not said already.

    reason: for people, without anything of the patient.
    """
    said = select(FhirRow).where(
        FhirRow.workitem_uid.in_(workitem_uids), FhirRow.resource_type.in_(STATEMENTS)
    )
    for row in session.scalars(said.order_by(FhirRow.resource_type, FhirRow.id).with_for_update()):
        _change(session, row, lambda body: withdrawn(body, reason))


def drop_instances(
    session: Session, study_instance_uid: str, uids: Collection[str], *, deleted: bool
) -> None:
    """Take deleted instances out of the ImagingStudy; deleted: the whole study is gone."""
    key = ("ImagingStudy", study_instance_uid)
    row = session.get(FhirRow, key, with_for_update=True, populate_existing=True)
    if row is not None:
        _change(session, row, lambda body: without_instances(body, uids, deleted=deleted))


def read(session: Session, resource_type: str, resource_id: str) -> FhirRow:
    """The current version of a resource. Raises UnknownResource."""
    named = RESOURCE_ID.fullmatch(resource_id)
    row = session.get(FhirRow, (resource_type, resource_id)) if named else None
    if row is None:
        raise UnknownResource(resource_type)
    return row


def _put(session: Session, body: dict[str, Any], workitem_uid: str) -> None:
    resource_type = body["resourceType"]
    row = _locked(session, resource_type, body["id"])
    if row.version and resource_type == "ImagingStudy":
        body = merged(json.loads(row.body), body)
    if row.body == _served(body, row.version, row.last_updated):
        return
    row.workitem_uid = "" if resource_type in SHARED_TYPES else workitem_uid
    _write(session, row, body)


def _change(
    session: Session, row: FhirRow, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    before = json.loads(row.body)
    after = change(before)
    if after != before:
        _write(session, row, after)


def _write(session: Session, row: FhirRow, body: dict[str, Any]) -> None:
    row.version += 1
    row.last_updated = round(time.time(), 3)
    row.body = _served(body, row.version, row.last_updated)
    _index(session, json.loads(row.body))


def _locked(session: Session, resource_type: str, resource_id: str) -> FhirRow:
    """The row of a resource, locked against other workers; version 0 when it is new.

    Two workers may find it missing at once: the slower insert fails inside its savepoint, after
    the faster one committed, and reads what that one wrote.
    """
    key = (resource_type, resource_id)
    row = session.get(FhirRow, key, with_for_update=True, populate_existing=True)
    if row is not None:
        return row
    new = FhirRow(resource_type=resource_type, id=resource_id, version=0, last_updated=0.0, body="")
    try:
        with session.begin_nested():
            session.add(new)
    except IntegrityError:
        return session.get_one(FhirRow, key, with_for_update=True, populate_existing=True)
    return new


def _served(body: dict[str, Any], version: int, last_updated: float) -> str:
    """The resource as clients get it: its JSON with versionId and lastUpdated."""
    meta = {"versionId": str(version), "lastUpdated": instant_of(last_updated)}
    head = {"resourceType": body["resourceType"], "id": body["id"]}
    full = head | {"meta": meta | _labels(body)} | {k: v for k, v in body.items() if k != "meta"}
    return json.dumps(full, ensure_ascii=False, separators=(",", ":"))


def _labels(body: dict[str, Any]) -> dict[str, Any]:
    """What Resource.meta says beside the version, which is the server's to say."""
    own = ("versionId", "lastUpdated")
    return {name: value for name, value in body.get("meta", {}).items() if name not in own}


def _index(session: Session, body: dict[str, Any]) -> None:
    resource_type, resource_id = body["resourceType"], body["id"]
    _forget(session, resource_type, resource_id)
    owner = {"resource_type": resource_type, "resource_id": resource_id}
    session.execute(insert(FhirSearchRow), [owner | v._asdict() for v in values_of(body)])


def _forget(session: Session, resource_type: str, resource_id: str) -> None:
    session.execute(
        delete(FhirSearchRow).where(
            FhirSearchRow.resource_type == resource_type, FhirSearchRow.resource_id == resource_id
        )
    )


def _drop_others(session: Session, bodies: Sequence[dict[str, Any]], workitem_uid: str) -> None:
    """Remove what an earlier attempt of this workitem left and this answer does not repeat."""
    kept = {(body["resourceType"], body["id"]) for body in bodies}
    own = select(FhirRow).where(
        FhirRow.workitem_uid == workitem_uid, FhirRow.resource_type.not_in(SHARED_TYPES)
    )
    for row in session.scalars(own).all():
        if (row.resource_type, row.id) not in kept:
            _forget(session, row.resource_type, row.id)
            session.delete(row)

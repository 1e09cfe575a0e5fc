"""What is to come of a study, declared by whoever knows: an order, a broker, a router."""

import time
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.completion.expectations import DECLARED, Expectation, arrived, expect, missing_of
from gateway.deps import LARGEST, DatabaseOf
from gateway.errors import NotFound, Unprocessable
from gateway.store.events import note
from gateway.store.tables import ExpectationRow, StudyRow
from standards.uids import is_uid

router = APIRouter(prefix="/api/v1/studies", tags=["studies"])

Uid = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=64)]


class Declaration(BaseModel):
    """Either how many instances the study has, or which ones."""

    model_config = ConfigDict(extra="forbid")

    instances: int | None = Field(default=None, ge=1, le=LARGEST)
    sop_instance_uids: list[Uid] = Field(default=[])

    @model_validator(mode="after")
    def _one_of_both(self) -> "Declaration":
        if (self.instances is None) == (not self.sop_instance_uids):
            raise ValueError("expected `instances`, a number, or `sop_instance_uids`, a list")
        return self


class AnnouncementView(BaseModel):
    """announced_by: DECLARED, or MPPS or IAN with the UID of that object.

    missing: what has not come; empty when all has.
    """

    announced_by: str
    state: str
    instances: int | None
    missing: dict[str, Any]
    noted_at: float


class ExpectedView(BaseModel):
    study_instance_uid: str
    arrived: int
    announcements: list[AnnouncementView]


@router.put("/{study_instance_uid}/expected")
def declare(
    study_instance_uid: str, declaration: Declaration, database: DatabaseOf
) -> ExpectedView:
    """Declare what is to come; it may be before the first instance does.

    The study is complete when all of it is here. A later declaration takes the place of this one.
    """
    if not is_uid(study_instance_uid):
        raise Unprocessable("the path names no UID; expected a Study Instance UID")
    uids = tuple(sorted(set(declaration.sop_instance_uids)))
    expectation = Expectation(DECLARED, declaration.instances, uids)
    with database.write() as session:
        expect(session, study_instance_uid, expectation, time.time())
        detail = {"announced_by": DECLARED, "instances": declaration.instances or len(uids)}
        note(session, study_instance_uid, "announced", detail)
        session.flush()
        return _view(session, study_instance_uid)


@router.get("/{study_instance_uid}/expected")
def expected(study_instance_uid: str, database: DatabaseOf) -> ExpectedView:
    """What was announced of a study, by whom, and what of it has not come."""
    with database.read() as session:
        view = _view(session, study_instance_uid)
        if not view.announcements and session.get(StudyRow, study_instance_uid) is None:
            raise NotFound("study", study_instance_uid)
        return view


def _view(session: Session, study: str) -> ExpectedView:
    query = select(ExpectationRow).where(ExpectationRow.study_instance_uid == study)
    rows = session.scalars(query.order_by(ExpectationRow.announced_by))
    return ExpectedView(
        study_instance_uid=study,
        arrived=arrived(session, study),
        announcements=[
            AnnouncementView(
                announced_by=row.announced_by,
                state=row.state,
                instances=row.instances,
                missing=missing_of(session, row),
                noted_at=row.noted_at,
            )
            for row in rows.all()
        ],
    )

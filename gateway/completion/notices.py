"""What modalities and archives announce by DIMSE becomes an expectation of their studies."""

import json
import logging
import time
from collections.abc import Callable

from pydicom import Dataset
from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from adapters.dimse_status import Status
from gateway.completion.expectations import IAN, MPPS, Expectation, expect
from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.tables import ExpectationRow
from standards.announcements import (
    StepStatus,
    available_instances,
    instances_of_step,
    step_status,
    studies_of_step,
)
from standards.uids import is_uid

# PS3.7 Annex C.5 and, of a step that has ended, PS3.4 F.7.2.2.
NOT_IN_PROGRESS = Status(0x0106, "a new step is IN PROGRESS, PS3.4 F.7.2.1")
NO_STUDY = Status(0x0120, "Study Instance UID (0020,000D) is missing or no UID")
DUPLICATE = Status(0x0111, "this step was created before")
UNKNOWN_STEP = Status(0x0112, "no such step was created here")
UNKNOWN_STATUS = Status(0x0106, "Performed Procedure Step Status is none of PS3.3 C.4.14")
HAS_ENDED = Status(0x0110, "the step has ended and may no longer be updated", error=0xA710)
NOT_NOW = Status(0x0213, "the database cannot be written now; send it again")
REFUSALS = (
    NOT_IN_PROGRESS,
    UNKNOWN_STATUS,
    HAS_ENDED,
    DUPLICATE,
    UNKNOWN_STEP,
    NO_STUDY,
    NOT_NOW,
)

log = logging.getLogger(__name__)


class NoticeLog:
    """The adapters.dimse_notices.Notices of this gateway."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def step_created(self, uid: str, step: Dataset) -> Status:
        studies = studies_of_step(step)
        if not studies or not all(is_uid(study) for study in studies):
            return NO_STUDY
        if step_status(step) is not StepStatus.IN_PROGRESS:
            return NOT_IN_PROGRESS
        return self._tried(self._begin, uid, step, studies)

    def step_changed(self, uid: str, changes: Dataset) -> Status:
        if "PerformedProcedureStepStatus" in changes and step_status(changes) is None:
            return UNKNOWN_STATUS
        return self._tried(self._go_on, uid, changes)

    def available(self, uid: str, notice: Dataset) -> Status:
        study = str(notice.get("StudyInstanceUID", ""))
        if not is_uid(study):
            return NO_STUDY
        return self._tried(self._take_down, uid, study, available_instances(notice))

    def _tried(self, write: Callable[..., Status], *arguments: object) -> Status:
        try:
            return write(*arguments)
        except SQLAlchemyError as error:
            log.error("an announcement was not taken: %s", type(error).__name__)
            return NOT_NOW

    def _begin(self, uid: str, step: Dataset, studies: list[str]) -> Status:
        by = f"{MPPS} {uid}"
        expectation = Expectation(
            by, sop_instance_uids=tuple(instances_of_step(step)), state=StepStatus.IN_PROGRESS
        )
        with self._database.write() as session:
            if session.scalar(_announced(by).limit(1)) is not None:
                return DUPLICATE
            for study in studies:
                _note(session, study, expectation)
        return Status()

    def _go_on(self, uid: str, changes: Dataset) -> Status:
        by = f"{MPPS} {uid}"
        with self._database.write() as session:
            rows = session.scalars(_announced(by).with_for_update()).all()
            if not rows:
                return UNKNOWN_STEP
            if rows[0].state != StepStatus.IN_PROGRESS:
                return HAS_ENDED
            listed = instances_of_step(changes)
            for row in rows:
                before = json.loads(row.sop_instance_uids) if row.sop_instance_uids else []
                state = step_status(changes) or StepStatus.IN_PROGRESS
                _note(
                    session,
                    row.study_instance_uid,
                    Expectation(by, sop_instance_uids=tuple(listed or before), state=state),
                )
        return Status()

    def _take_down(self, uid: str, study: str, instances: list[str]) -> Status:
        with self._database.write() as session:
            by = f"{IAN} {uid}"
            _note(session, study, Expectation(by, sop_instance_uids=tuple(instances)))
        return Status()


def _announced(by: str) -> Select[ExpectationRow]:
    return (
        select(ExpectationRow)
        .where(ExpectationRow.announced_by == by)
        .order_by(ExpectationRow.study_instance_uid)
    )


def _note(session: Session, study: str, expectation: Expectation) -> None:
    expect(session, study, expectation, time.time())
    detail = {
        "announced_by": expectation.announced_by,
        "state": expectation.state,
        "instances": len(expectation.sop_instance_uids),
    }
    note(session, study, "announced", detail)

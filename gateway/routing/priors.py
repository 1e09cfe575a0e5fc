"""Earlier studies of a patient, as the index has them."""

import json
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.completion.arrivals import study_of
from gateway.store.tables import StudyRow
from standards.study import Study, value

MOST_PRIORS = 10  # studies looked at; a model that finds nothing in so many is told so


def earlier_studies(session: Session, row: StudyRow) -> Sequence[Study]:
    """The newest first. None for a study without Patient ID or Study Date; one patient is one
    Patient ID of one Issuer of Patient ID (PS3.3 C.2.2)."""
    if not row.patient_id or not row.study_date:
        return ()
    query = (
        select(StudyRow)
        .where(
            StudyRow.patient_id == row.patient_id,
            StudyRow.study_date != "",
            StudyRow.study_date <= row.study_date,
            StudyRow.study_instance_uid != row.study_instance_uid,
        )
        .order_by(StudyRow.study_date.desc(), StudyRow.study_time.desc())
        .limit(MOST_PRIORS)
    )
    moment = (row.study_date, row.study_time)
    return [
        study_of(session, one.study_instance_uid)
        for one in session.scalars(query)
        if (one.study_date, one.study_time) < moment and _issuer(one) == _issuer(row)
    ]


def _issuer(row: StudyRow) -> str:
    return str(value(json.loads(row.attributes), "IssuerOfPatientID", ""))

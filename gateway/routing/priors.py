"""Earlier studies of a patient, as the index has them, or among series that lie at hand."""

import json
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.completion.arrivals import study_of
from gateway.store.tables import StudyRow
from standards.study import Series, Study, value

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


def newest_and_earlier(series: Sequence[Series]) -> tuple[Study, list[Study]]:
    """The newest study that some series are of, and the earlier ones of its patient among them,
    the newest first; as `earlier_studies`."""
    studies: dict[str, list[Series]] = {}
    for one in series:
        studies.setdefault(str(one.value("StudyInstanceUID", "")), []).append(one)
    ordered = sorted((Study(*one) for one in studies.items()), key=_moment, reverse=True)
    newest, *others = ordered
    if not _patient(newest)[0] or not _moment(newest)[0]:
        return newest, []
    return newest, [
        one
        for one in others
        if _patient(one) == _patient(newest)
        and _moment(one)[0] > ""
        and _moment(one) < _moment(newest)
    ][:MOST_PRIORS]


def _moment(study: Study) -> tuple[str, str]:
    first = study.series[0]
    return str(first.value("StudyDate", "")), str(first.value("StudyTime", ""))


def _patient(study: Study) -> tuple[str, str]:
    first = study.series[0]
    return str(first.value("PatientID", "")), str(first.value("IssuerOfPatientID", ""))


def _issuer(row: StudyRow) -> str:
    return str(value(json.loads(row.attributes), "IssuerOfPatientID", ""))

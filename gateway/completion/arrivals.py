"""What opens a study, what is known to have changed about it, and what came of it from outside."""

import json
from collections.abc import Collection

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from gateway.store.tables import InstanceRow, StudyRow
from standards.study import Headers, Series, Study

RECEIVING, COMPLETE = "RECEIVING", "COMPLETE"


def note_arrival(session: Session, study_instance_uids: Collection[str], now: float) -> None:
    """New instances came, in the transaction that indexes them: the study is open (again)."""
    query = select(StudyRow).where(StudyRow.study_instance_uid.in_(study_instance_uids))
    for study in session.scalars(query.with_for_update()):
        if study.state == COMPLETE or study.first_arrival_at == 0:
            study.first_arrival_at = now
        study.state = RECEIVING
        study.last_arrival_at = now


def note_evidence(session: Session, study_instance_uids: Collection[str], now: float) -> None:
    """Something else than an arrival is known of these studies now: they are judged anew."""
    for uid in sorted(study_instance_uids):  # one order, so that no two writers wait for each other
        session.execute(
            update(StudyRow)
            .where(StudyRow.study_instance_uid == uid)
            .values(evidence_at=now)
            .execution_options(synchronize_session=False)
        )


def outline_of(session: Session, uid: str) -> Study:
    """As `study_of`, but each instance of a series has the header of one of them.

    For what asks for counts and single headers, several times while a study arrives.
    """
    came = (InstanceRow.study_instance_uid == uid, InstanceRow.created_by == "")
    groups = (
        select(func.count(), func.max(InstanceRow.sop_instance_uid))
        .where(*came)
        .group_by(InstanceRow.series_instance_uid)
    )
    counts = {sop_instance_uid: count for count, sop_instance_uid in session.execute(groups)}
    query = (
        select(InstanceRow.series_instance_uid, InstanceRow.sop_instance_uid, InstanceRow.header)
        .where(InstanceRow.sop_instance_uid.in_(list(counts)))
        .order_by(InstanceRow.series_instance_uid)
    )
    return Study(
        uid,
        [
            Series(series_uid, [json.loads(header)] * counts[sop_instance_uid])
            for series_uid, sop_instance_uid, header in session.execute(query)
        ],
    )


def study_of(session: Session, uid: str) -> Study:
    """The headers of a study as it came from outside: our own results are no input."""
    rows = session.execute(
        select(InstanceRow.series_instance_uid, InstanceRow.header)
        .where(InstanceRow.study_instance_uid == uid, InstanceRow.created_by == "")
        .order_by(InstanceRow.series_instance_uid, InstanceRow.instance_number)
    )
    series: dict[str, list[bytes]] = {}
    for series_uid, header in rows:
        series.setdefault(series_uid, []).append(header)
    return Study(uid, [Series(series_uid, Headers(texts)) for series_uid, texts in series.items()])

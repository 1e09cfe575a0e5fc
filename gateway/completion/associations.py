"""Associations as evidence: whoever released one has sent what there was to send.

Which association brings which study is written by gateway/completion/association_log.py.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from gateway.completion.evidence import Case, Complete, Wait
from gateway.store.tables import AssociationRow

LOST_AFTER_SECONDS = 10.0  # without a sign of life of its listener


class State(StrEnum):
    OPEN = "OPEN"
    ELSEWHERE = "ELSEWHERE"  # it brings another study now
    RELEASED = "RELEASED"
    LOST = "LOST"  # aborted, or the connection broke


LASTING = (State.OPEN, State.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class AssociationReleased:
    """Every association that brought the study is released, and nothing came since.

    seconds: to wait for the next one, since some senders open one for each series. One that is
    open promises more of the study that it brings; one that broke off promises nothing.
    """

    seconds: float

    name = "association_released"

    def judge(self, case: Case) -> Complete | Wait | None:
        query = select(AssociationRow).where(AssociationRow.study_instance_uid == case.uid)
        rows = case.session.scalars(query).all()
        lasting = [row for row in rows if _lasts(row, case.now)]
        if brings := [row for row in lasting if row.state == State.OPEN]:
            titles = sorted({row.calling_ae_title for row in brings})
            return Wait({"open_associations": len(brings), "calling_ae_titles": titles})
        last = max(rows, key=lambda row: row.ended_at or 0.0, default=None)
        if lasting or last is None or last.state != State.RELEASED or last.ended_at is None:
            return None
        if last.ended_at < case.study.last_arrival_at:
            return None  # the last instance came another way
        return Complete(
            last.ended_at + self.seconds,
            {"calling_ae_title": last.calling_ae_title, "associations": len(rows)},
        )


def _lasts(row: AssociationRow, now: float) -> bool:
    return row.state in LASTING and row.beat_at >= now - LOST_AFTER_SECONDS

"""What was announced of a study, as evidence: it is complete when all of that has come.

An announcement names the instances, or only their number. It may come before the study does.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.completion.arrivals import note_evidence
from gateway.completion.evidence import Case, Complete, Wait
from gateway.store.tables import ExpectationRow, InstanceRow
from standards.announcements import StepStatus

DECLARED, MPPS, IAN = "DECLARED", "MPPS", "IAN"
SOURCE = "SOURCE"  # what its source answered: evidence of its own, gateway/completion/source_counts
_AT_ONCE = 500  # UIDs in one IN (...)
_NAMED = 10  # missing UIDs that are named in the trace


@dataclass(frozen=True, slots=True)
class Expectation:
    """announced_by: one of the kinds above, with the UID of the announcement where it has one."""

    announced_by: str
    instances: int | None = None
    sop_instance_uids: tuple[str, ...] = ()
    state: StepStatus = StepStatus.COMPLETED


def expect(session: Session, study: str, expectation: Expectation, now: float) -> None:
    """Take the place of what the same announcement said before."""
    uids = expectation.sop_instance_uids
    session.merge(
        ExpectationRow(
            study_instance_uid=study,
            announced_by=expectation.announced_by,
            state=expectation.state,
            instances=len(uids) if uids else expectation.instances,
            sop_instance_uids=json.dumps(uids) if uids else "",
            noted_at=now,
        )
    )
    note_evidence(session, [study], now)


def arrived(session: Session, study: str) -> int:
    """Instances of a study that came from outside."""
    query = select(func.count()).where(
        InstanceRow.study_instance_uid == study, InstanceRow.created_by == ""
    )
    return session.scalar(query) or 0


def missing_of(session: Session, row: ExpectationRow) -> dict[str, Any]:
    """What of one announcement has not come; {} when all has.

    Listed instances are looked for by their UID alone: a performed step may span studies.
    """
    if row.state not in (StepStatus.COMPLETED, StepStatus.DISCONTINUED):
        return {"announced_by": row.announced_by, "state": row.state}
    if row.sop_instance_uids:
        wanted = json.loads(row.sop_instance_uids)
        lacking = sorted(set(wanted) - _present(session, wanted))
        told = {"expected": len(wanted), "sop_instance_uids": lacking[:_NAMED]}
        count = len(lacking)
    else:
        expected, there = row.instances or 0, arrived(session, row.study_instance_uid)
        told, count = {"expected": expected, "arrived": there}, expected - there
    return {"announced_by": row.announced_by, "missing": count, **told} if count > 0 else {}


class Announced:
    """Everything that was announced has come, or something has not."""

    name = "expected"

    def judge(self, case: Case) -> Complete | Wait | None:
        query = select(ExpectationRow).where(
            ExpectationRow.study_instance_uid == case.uid, ExpectationRow.announced_by != SOURCE
        )
        rows = case.session.scalars(query.order_by(ExpectationRow.announced_by)).all()
        lacking = [found for row in rows if (found := missing_of(case.session, row))]
        if lacking:
            return Wait({"announcements": lacking})
        speaking = [row for row in rows if row.instances]
        if speaking:
            told = {row.announced_by: row.instances for row in speaking}
            return Complete(case.study.last_arrival_at, {"announced": told})
        if case.policy.expected:
            return Wait({"announcements": "a rule asks for one, and there is none"})
        return None


def _present(session: Session, uids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(uids), _AT_ONCE):
        batch = uids[start : start + _AT_ONCE]
        query = select(InstanceRow.sop_instance_uid).where(InstanceRow.sop_instance_uid.in_(batch))
        found.update(session.scalars(query))
    return found

"""Which work stands on which. A workitem waits, SCHEDULED, until all that it stands on has ended.

Whoever links holds the rows of the earlier work, and whoever ends work holds its row, so that
either the link is seen at the end, or the end at the linking.
"""

import time
from collections.abc import Mapping

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from gateway.outcomes import Outcome
from gateway.store.events import note
from gateway.store.tables import ChainLinkRow, WorkitemRow
from gateway.ups import rows
from standards import ups
from standards.ups import State

_UNFINISHED = (State.SCHEDULED, State.IN_PROGRESS)


def link(session: Session, uid: str, stands_on: Mapping[str, str]) -> None:
    """stands_on: UIDs of the earlier work, whose rows are held, by the names of the inputs."""
    session.add_all(
        ChainLinkRow(workitem_uid=uid, input_name=name, earlier_uid=earlier)
        for name, earlier in stands_on.items()
    )
    session.flush()


def relink(session: Session, row: WorkitemRow, replays: Mapping[str, str]) -> None:
    """Let work that has not ended wait for the replays of what it stands on.

    row: is held. replays: UIDs of replays by what they replay.
    """
    uid = row.sop_instance_uid
    for one in session.scalars(select(ChainLinkRow).where(ChainLinkRow.workitem_uid == uid)):
        one.earlier_uid = replays.get(one.earlier_uid, one.earlier_uid)
    session.flush()
    earlier = [one.sop_instance_uid for one in earlier_of(session, uid).values()]
    row.not_before = None
    rows.put(session, row, ups.standing_on(rows.step_of(row), earlier))


def earlier_of(session: Session, uid: str) -> dict[str, WorkitemRow]:
    """The work whose findings it takes, by the names of its inputs."""
    query = (
        select(ChainLinkRow.input_name, WorkitemRow)
        .join(WorkitemRow, WorkitemRow.sop_instance_uid == ChainLinkRow.earlier_uid)
        .where(ChainLinkRow.workitem_uid == uid)
        .order_by(ChainLinkRow.input_name)
    )
    return {name: row for name, row in session.execute(query)}


def later_of(session: Session, uid: str) -> list[str]:
    """UIDs of the work that takes its findings."""
    query = select(ChainLinkRow.workitem_uid).where(ChainLinkRow.earlier_uid == uid)
    return list(session.scalars(query.distinct().order_by(ChainLinkRow.workitem_uid)))


def links_of_study(session: Session, study_instance_uid: str) -> list[tuple[str, str]]:
    """UIDs of the workitems of a study that take findings, each with one that gives them."""
    query = (
        select(ChainLinkRow.workitem_uid, ChainLinkRow.earlier_uid)
        .join(WorkitemRow, WorkitemRow.sop_instance_uid == ChainLinkRow.workitem_uid)
        .where(WorkitemRow.study_instance_uid == study_instance_uid)
        .order_by(ChainLinkRow.workitem_uid, ChainLinkRow.input_name)
    )
    return [(later, earlier) for later, earlier in session.execute(query)]


def awaits(session: Session, uid: str) -> bool:
    """Whether something that it stands on has not ended."""
    unfinished = (
        exists()
        .where(ChainLinkRow.workitem_uid == uid)
        .where(WorkitemRow.sop_instance_uid == ChainLinkRow.earlier_uid)
        .where(WorkitemRow.procedure_step_state.in_(_UNFINISHED))
    )
    return bool(session.scalar(select(unfinished)))


def is_wanted(session: Session, uid: str) -> bool:
    """Whether work that has not ended takes its findings."""
    unfinished = (
        exists()
        .where(ChainLinkRow.earlier_uid == uid)
        .where(WorkitemRow.sop_instance_uid == ChainLinkRow.workitem_uid)
        .where(WorkitemRow.procedure_step_state.in_(_UNFINISHED))
    )
    return bool(session.scalar(select(unfinished)))


def is_taken(session: Session, uid: str) -> bool:
    """Whether work that was not withdrawn takes its findings, or took them."""
    standing = (
        exists()
        .where(ChainLinkRow.earlier_uid == uid)
        .where(WorkitemRow.sop_instance_uid == ChainLinkRow.workitem_uid)
        .where(WorkitemRow.outcome != Outcome.WITHDRAWN)
    )
    return bool(session.scalar(select(standing)))


def wake(session: Session, uid: str) -> None:
    """This work has ended: what waited for it alone is to have its job."""
    for later_uid in later_of(session, uid):
        later = rows.locked(session, later_uid)  # of two that end at once one sees the other's end
        if later.procedure_step_state == State.SCHEDULED and not awaits(session, later_uid):
            make_ready(session, later)
            later.not_before = time.time()  # gateway/dispatch.py makes its job


def make_ready(session: Session, row: WorkitemRow) -> None:
    """All that it stands on has ended: its inputs are complete, unless there was no result.

    Input Readiness State (0040,4041) and Input Information (0040,4021), PS3.4 Table CC.2.5-3: what
    the earlier work has put into the study. What is kept apart nobody can retrieve.
    """
    earlier = list(earlier_of(session, row.sop_instance_uid).values())
    told = {"stands_on": ", ".join(f"{one.model_name} {one.outcome}" for one in earlier)}
    uid = row.sop_instance_uid
    note(session, row.study_instance_uid, "earlier_ended", told, workitem_uid=uid)
    if any(one.procedure_step_state != State.COMPLETED for one in earlier):
        return
    outputs = [item for one in earlier for item in ups.outputs_of(rows.step_of(one))]
    rows.put(session, row, ups.ready(rows.step_of(row), outputs))

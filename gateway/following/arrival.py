"""Whether models are to run on what was found, and the state of its study when not."""

from collections.abc import Sequence

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from gateway.completion import COMPLETE, RECEIVING
from gateway.following.judging import Found, Judged
from gateway.index import Indexed
from gateway.store.tables import InstanceRow, StudyRow, WorkitemRow


def has_arrived(session: Session, study: str, new: Sequence[tuple[Judged, Indexed]]) -> bool:
    """Whether new input of models is among these instances of a study."""
    inputs = [one.found for one, _ in new if one.found.fresh and not one.created_by]
    if any(found.logged for found in inputs):
        return True
    return bool(inputs) and not _was_analysed(session, study)


def settle(session: Session, study: str, new: Sequence[Found]) -> None:
    """A study of which nothing arrived just now is complete, and no work follows from that.

    Results without their work show that it was analysed before: what was taken for an arrival, a
    moment ago and in another transaction, was none.
    """
    is_open = [StudyRow.study_instance_uid == study, StudyRow.state == RECEIVING]
    if any(found.logged for found in new) or not _was_analysed(session, study):
        is_open.append(StudyRow.last_arrival_at == 0)
    came_at = [found.held.came_at for found in new]
    session.execute(
        update(StudyRow)
        .where(*is_open, StudyRow.generation == 0)
        .values(state=COMPLETE, first_arrival_at=min(came_at), last_arrival_at=max(came_at))
    )


def _was_analysed(session: Session, study: str) -> bool:
    """Whether it holds results of a worklist that was lost, or of another gateway's."""
    result = exists().where(InstanceRow.study_instance_uid == study, InstanceRow.created_by != "")
    work = exists().where(WorkitemRow.study_instance_uid == study)
    return bool(session.scalar(select(result & ~work)))

"""Deleting a version that nothing refers to: no result names it, no work waits for it, and no other
model stands on it alone.
"""

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from ai_models.bundled import bundled_models
from ai_models.card import Stage
from gateway import shadow
from gateway.chains.standing import stranded_by_deleting
from gateway.errors import Conflict, NotFound
from gateway.models.tries import RULE as TRY
from gateway.outcomes import Outcome
from gateway.store.tables import ModelRow, ModelStageRow, WorkitemRow

DELETABLE = (Stage.DRAFT, Stage.RETIRED)
_GOOD = (Outcome.DONE, Outcome.DONE_WITH_WARNINGS)


class NotDeletable(Conflict):
    """why: what stands against it, and what to do."""

    def __init__(self, name: str, version: str, why: str) -> None:
        super().__init__(f"model {name} {version} is not deleted: {why}")


def delete_version(session: Session, name: str, version: str) -> None:
    """With its history and what its tries found. Raises NotFound, NotDeletable.

    Its artefact and environment go with the next chores, if nobody else needs them.
    """
    row = session.get(ModelRow, (name, version), with_for_update=True)
    if row is None:
        raise NotFound("model", f"{name} {version}")
    own = (WorkitemRow.model_name == name) & (WorkitemRow.model_version == version)
    if why := _against(session, row, own):
        raise NotDeletable(name, version, why)
    for tried in session.scalars(select(WorkitemRow).where(own, WorkitemRow.rule == TRY)):
        shadow.forget(session, tried.sop_instance_uid)
        tried.results = ""
    of_version = (ModelStageRow.name == name) & (ModelStageRow.version == version)
    session.execute(delete(ModelStageRow).where(of_version))
    session.delete(row)


def _against(session: Session, row: ModelRow, own: ColumnElement[bool]) -> str:
    if Stage(row.stage) not in DELETABLE:
        return f"it is in stage {row.stage}; retire it first"
    if any((one.name, one.version) == (row.name, row.version) for one in bundled_models().values()):
        return "it comes with the program, which would register it again; leave it retired"
    if unfinished := _count(session, own & WorkitemRow.ended_at.is_(None)):
        return f"{unfinished} workitem(s) of it have not ended; wait for them, or cancel them"
    tells = or_(WorkitemRow.outcome.in_(_GOOD), WorkitemRow.results != "")
    if results := _count(session, own & (WorkitemRow.rule != TRY) & tells):
        return f"{results} stored result(s) name it as their author; leave it retired"
    if stranded := stranded_by_deleting(session, row):
        return (
            f"{', '.join(stranded)} take(s) findings that no other version of it gives; "
            "register another version of it first, or retire what takes them"
        )
    return ""


def _count(session: Session, which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(WorkitemRow).where(which)) or 0

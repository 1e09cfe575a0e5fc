"""The dead letter, and ordering work that ended without a result again.

A final UPS stays as it is (PS3.4 CC.1.1), so a replay is a workitem of its own. Its UID follows
from that of the one that it replaces, which its data set names (PS3.3 C.30.1), and what it states
takes the place of what the earlier one stated.
"""

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from ai_models.card import Stage
from gateway.errors import Conflict
from gateway.models.tries import RULE as TRY
from gateway.outcomes import DEAD, ENDINGS, REPLAYABLE, Outcome
from gateway.store.events import note
from gateway.store.tables import ModelRow, WorkitemRow
from gateway.ups import rows
from standards import ups
from standards.uids import derived_uid


class NotReplayable(Conflict):
    def __init__(self, uid: str, found: str, to_do: str) -> None:
        self.uid, self.found = uid, found
        super().__init__(f"workitem {uid} cannot be replayed: {found}; {to_do}")


def is_dead() -> ColumnElement[bool]:
    """Of a WorkitemRow: it wants a person, and no other work has taken its place since."""
    later = aliased(WorkitemRow)
    origin = func.coalesce(func.nullif(WorkitemRow.replay_of, ""), WorkitemRow.sop_instance_uid)
    replayed = exists().where(later.replay_of == origin, later.created_at > WorkitemRow.created_at)
    superseded = exists().where(later.supersedes == WorkitemRow.sop_instance_uid)
    wanted = WorkitemRow.outcome.in_(DEAD) & (WorkitemRow.rule != TRY)
    return wanted & ~replayed & ~superseded


def replay(session: Session, uid: str, ordered_by: str) -> WorkitemRow:
    """A new workitem for the same work, which a worker takes up within a second.

    ordered_by: name of the token, for the trace. Raises NotFound and NotReplayable.
    """
    ended = rows.locked(session, uid)
    _check(session, ended)
    again_uid = derived_uid("workitem", uid)
    while session.get(WorkitemRow, again_uid) is not None:
        again_uid = derived_uid("workitem", again_uid)
    now = datetime.now(UTC)
    again = WorkitemRow(
        sop_instance_uid=again_uid,
        created_at=now.timestamp(),
        replay_of=ended.replay_of or ended.sop_instance_uid,
        not_before=now.timestamp(),  # so gateway/dispatch.py makes its job
        **{name: getattr(ended, name) for name in _KEPT},
    )
    rows.add(session, again, ups.replacement(rows.step_of(ended), again_uid, now))
    told = {"by": ordered_by, "as": again_uid}
    note(session, ended.study_instance_uid, "replayed", told, workitem_uid=uid)
    return again


_KEPT = (
    "study_instance_uid",
    "series_instance_uid",
    "inputs",
    "supersedes",
    "model_name",
    "model_version",
    "model_digest",
    "rule",
    "stage",
    "sr_without_result",
    "queue",
    "concurrency",
)


def _check(session: Session, ended: WorkitemRow) -> None:
    uid = ended.sop_instance_uid
    if not rows.is_final(ended):
        found = f"it is {ended.procedure_step_state}"
        raise NotReplayable(uid, found, "wait for its end, or cancel it")
    if ended.rule == TRY:
        raise NotReplayable(uid, "somebody tried its model out", "try it again")
    if not ended.model_name:
        found = "it names no model of this gateway"
        raise NotReplayable(uid, found, "whoever ordered it can order it again")
    model = session.get(ModelRow, (ended.model_name, ended.model_version))
    if model is None or model.stage == Stage.RETIRED:
        found = f"model {ended.model_name} {ended.model_version} is retired"
        raise NotReplayable(uid, found, "promote it first, or order another version")
    if not (ended.outcome and ENDINGS[Outcome(ended.outcome)].replayable):
        found = f"its outcome is {ended.outcome or 'not known'}"
        raise NotReplayable(uid, found, f"expected one of {', '.join(REPLAYABLE)}")
    newer = select(WorkitemRow.sop_instance_uid).where(WorkitemRow.supersedes == uid)
    if (by := session.scalar(newer.limit(1))) is not None:
        found = f"more of its study came, and {by} has taken its place"
        raise NotReplayable(uid, found, "look at that one")
    origin = ended.replay_of or uid
    later = select(WorkitemRow.sop_instance_uid).where(
        WorkitemRow.replay_of == origin, WorkitemRow.created_at > ended.created_at
    )
    if (done := session.scalar(later.limit(1))) is not None:
        raise NotReplayable(uid, f"it was replayed already, as {done}", "look at that one")

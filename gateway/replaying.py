"""The dead letter, and ordering work that ended without a result again.

A final UPS stays as it is (PS3.4 CC.1.1), so a replay is a workitem of its own. Its UID follows
from that of the one that it replaces, which its data set names (PS3.3 C.30.1), and what it states
takes the place of what the earlier one stated. What could not be done for the lack of its findings
follows it.
"""

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from ai_models.card import Stage
from gateway.chains import links
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
    return _again(session, ended, ordered_by, {})


def _again(
    session: Session, ended: WorkitemRow, ordered_by: str, replays: dict[str, str]
) -> WorkitemRow:
    """Its replay, and those of what could not be done for the lack of its findings.

    replays: UIDs of those that were made so far, by what they replay.
    """
    uid = ended.sop_instance_uid
    again_uid = derived_uid("workitem", uid)
    while session.get(WorkitemRow, again_uid) is not None:
        again_uid = derived_uid("workitem", again_uid)
    earlier = {
        name: replays.get(one.sop_instance_uid, one.sop_instance_uid)
        for name, one in links.earlier_of(session, uid).items()
    }
    now = datetime.now(UTC)
    again = WorkitemRow(
        sop_instance_uid=again_uid,
        created_at=now.timestamp(),
        replay_of=ended.replay_of or ended.sop_instance_uid,
        **{name: getattr(ended, name) for name in _KEPT},
    )
    step = ups.replacement(rows.step_of(ended), again_uid, now)
    rows.add(session, again, ups.standing_on(step, list(earlier.values())))
    links.link(session, again_uid, earlier)
    if not links.awaits(session, again_uid):
        if earlier:
            links.make_ready(session, again)
        again.not_before = now.timestamp()  # so gateway/dispatch.py makes its job
    told = {"by": ordered_by, "as": again_uid}
    note(session, ended.study_instance_uid, "replayed", told, workitem_uid=uid)
    replays[uid] = again_uid
    for later_uid in links.later_of(session, uid):
        _follow(session, rows.locked(session, later_uid), ordered_by, replays)
    return again


def _follow(session: Session, later: WorkitemRow, ordered_by: str, replays: dict[str, str]) -> None:
    """Work that stands on what is replayed: not done for the lack of it, or still waiting."""
    if later.outcome in _LACKING and not _replayed_by(session, later):
        _again(session, later, ordered_by, replays)
    elif later.procedure_step_state == ups.State.SCHEDULED:
        links.relink(session, later, replays)


# Work that ended so may go on when what it stands on is done again.
_LACKING = frozenset({Outcome.NOT_INDICATED, Outcome.NOT_ATTEMPTED})
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
    if done := _replayed_by(session, ended):
        raise NotReplayable(uid, f"it was replayed already, as {done}", "look at that one")


def _replayed_by(session: Session, ended: WorkitemRow) -> str:
    """UID of a replay; "" where there is none."""
    origin = ended.replay_of or ended.sop_instance_uid
    later = select(WorkitemRow.sop_instance_uid).where(
        WorkitemRow.replay_of == origin, WorkitemRow.created_at > ended.created_at
    )
    return session.scalar(later.limit(1)) or ""

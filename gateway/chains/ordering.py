"""Making the workitems of a chain: one for each model, the later ones waiting for the earlier.

A model's work is done once for all chains that stand on it. What nobody is to see of it is
INTERMEDIATE: its results are kept apart, as those of shadow work are.
"""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from gateway import superseding, worklist
from gateway.chains import kept, links
from gateway.chains.selecting import ChainStep
from gateway.shadow import INTERMEDIATE, LIVE
from gateway.store.events import note
from gateway.store.tables import WorkitemRow
from gateway.ups import rows

NOBODY_WAITS = "the work that was to take its findings gave way to other work"


@dataclass(frozen=True)
class Order:
    """What the workitems of a chain have in common.

    stage: of the last one, and of those that `publish` names. supersedes: whether they take the
    place of the same rule's earlier work on the study. once, sr_without_result: as in
    worklist.create; once: of all that is made.
    """

    study_instance_uid: str
    rule: str
    stage: str = LIVE
    priority: str = "MEDIUM"
    publish: frozenset[str] = frozenset()
    supersedes: bool = False
    once: str = ""
    sr_without_result: bool = False


@dataclass(frozen=True)
class Ordered:
    """The workitem of the last model, and all that were made, the first to work first."""

    uid: str
    made: tuple[WorkitemRow, ...]

    @property
    def is_new(self) -> bool:
        return any(row.sop_instance_uid == self.uid for row in self.made)

    def ready(self, session: Session) -> list[str]:
        """UIDs of those that need a job now: the others get theirs when what they stand on ends."""
        uids = [row.sop_instance_uid for row in self.made]
        return [uid for uid in uids if not links.awaits(session, uid)]


def order(session: Session, step: ChainStep, asked: Order) -> Ordered:
    """Make what does not exist yet of a chain that runs, in the caller's transaction."""
    ordering = _Ordering(session, asked)
    for one in step.chain:
        ordering.uids[one.name] = ordering.last(one) if one is step else ordering.to_stand_on(one)
    return Ordered(ordering.uids[step.name], tuple(ordering.made))


def note_made(session: Session, ordered: Ordered, **told: str) -> None:
    """An event for each workitem that was made. told: what else is known of them."""
    for row in ordered.made:
        uid = row.sop_instance_uid
        detail = {"model": row.model_name, "version": row.model_version, **told}
        if earlier := links.earlier_of(session, uid):
            detail["stands_on"] = ", ".join(one.model_name for one in earlier.values())
        note(session, row.study_instance_uid, "workitem_created", detail, workitem_uid=uid)


def let_go(session: Session, gave_way: WorkitemRow) -> None:
    """Of what it stood on, end what nobody else waits for and nobody is to see."""
    for earlier in links.earlier_of(session, gave_way.sop_instance_uid).values():
        is_open = earlier.stage == INTERMEDIATE and not rows.is_final(earlier)
        if is_open and not links.is_wanted(session, earlier.sop_instance_uid):
            worklist.supersede(session, earlier, NOBODY_WAITS)
            let_go(session, earlier)


def withdraw_steps(session: Session, withdrawn: WorkitemRow, reason: str) -> None:
    """Of what it stood on, take back what was done for it alone."""
    for earlier in links.earlier_of(session, withdrawn.sop_instance_uid).values():
        is_its = earlier.stage == INTERMEDIATE and earlier.rule == withdrawn.rule
        if is_its and not links.is_taken(session, earlier.sop_instance_uid):
            worklist.withdraw(session, earlier, reason)
            withdraw_steps(session, earlier, reason)


@dataclass
class _Ordering:
    """uids: of the workitems by model, of the steps that have theirs."""

    session: Session
    asked: Order
    uids: dict[str, str] = field(default_factory=dict)
    made: list[WorkitemRow] = field(default_factory=list)

    def last(self, step: ChainStep) -> str:
        uid, is_known = self._known(step, self.asked.stage, self.asked.once)
        return uid if is_known else self._make(step, self.asked.stage)

    def to_stand_on(self, step: ChainStep) -> str:
        """UID of work whose findings can be taken: what is there already, where there is some."""
        if step.name in self.asked.publish:
            uid, is_known = self._known(step, self.asked.stage)
            if not is_known:
                return self._make(step, self.asked.stage)
            if self._can_be_taken(uid):
                return uid
        for stage in (INTERMEDIATE, LIVE):
            uid, is_known = self._known(step, stage)
            if is_known and self._can_be_taken(uid):
                return uid
        return self._make(step, INTERMEDIATE)

    def _earlier(self, step: ChainStep) -> dict[str, str]:
        return {name: self.uids[before.name] for name, before in step.stands_on.items()}

    def _known(self, step: ChainStep, stage: str, once: str = "") -> tuple[str, bool]:
        earlier = self._earlier(step).values()
        return worklist.identity(self.session, step.model, step.inputs, stage, once, earlier)

    def _can_be_taken(self, uid: str) -> bool:
        return kept.can_be_taken(self.session, rows.locked(self.session, uid))

    def _make(self, step: ChainStep, stage: str) -> str:
        asked, study = self.asked, self.asked.study_instance_uid
        before = None
        if asked.supersedes and stage != INTERMEDIATE:
            before = superseding.earlier_work(self.session, study, asked.rule, step.name, stage)
        row = worklist.create(
            self.session,
            step.model,
            study,
            step.inputs,
            asked.rule,
            priority=asked.priority,
            supersedes=before.sop_instance_uid if before else "",
            stage=stage,
            once=asked.once,
            sr_without_result=asked.sr_without_result,
            stands_on=self._earlier(step),
        )
        assert row is not None, step.name  # noqa: S101 (it was looked for in this transaction)
        self.made.append(row)
        if before is not None and superseding.give_way(self.session, before):
            let_go(self.session, before)
        return row.sop_instance_uid

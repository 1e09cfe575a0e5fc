"""Deleting a batch that has ended: its lines, and the results that it alone has kept."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from gateway import worklist
from gateway.batches import batches
from gateway.chains.ordering import withdraw_steps
from gateway.errors import Conflict
from gateway.outcomes import Outcome
from gateway.shadow import SHADOW
from gateway.store.database import Database
from gateway.store.tables import BatchLineRow, BatchRow, WorkitemRow

AT_ONCE = 100  # lines in one transaction, lest other writers wait for long
DELETED = "the batch that kept its results apart was deleted"


def delete_batch(database: Database, batch_id: str) -> None:
    """Free the lines and the shadow objects; the traces of its studies stay.

    Shadow work that no other batch shows is withdrawn, so that a later batch does it anew; what
    went into the studies stays there. A kill leaves a smaller batch, to be deleted again.
    Raises NotFound, Conflict.
    """
    with database.read() as session:
        batch = batches.known(session, batch_id)
        if not batches.is_ended(batch):
            raise Conflict(
                f"batch {batch_id} is {batch.state}; wait for its end, or cancel it, then delete it"
            )
    while _delete_some(database, batch_id):
        pass
    with database.write() as session:
        session.execute(delete(BatchRow).where(BatchRow.id == batch_id))


def _delete_some(database: Database, batch_id: str) -> bool:
    """False when no line is left."""
    with database.write() as session:
        of_batch = BatchLineRow.batch_id == batch_id
        query = select(BatchLineRow).where(of_batch).order_by(BatchLineRow.number)
        lines = session.scalars(query.limit(AT_ONCE)).all()
        if not lines:
            return False
        for row in _shadow_work(session, batch_id, {line.workitem_uid for line in lines} - {""}):
            worklist.withdraw(session, row, DELETED)
            withdraw_steps(session, row, DELETED)
        last = lines[-1].number
        session.execute(delete(BatchLineRow).where(of_batch, BatchLineRow.number <= last))
        return True


def _shadow_work(session: Session, batch_id: str, uids: Collection[str]) -> Sequence[WorkitemRow]:
    """Of these workitems those that no other batch shows, and what replayed them; a rule's stay."""
    shown = select(BatchLineRow.workitem_uid).where(
        BatchLineRow.workitem_uid.in_(uids), BatchLineRow.batch_id != batch_id
    )
    own = set(uids).difference(session.scalars(shown))
    query = select(WorkitemRow).where(
        or_(WorkitemRow.sop_instance_uid.in_(own), WorkitemRow.replay_of.in_(own)),
        WorkitemRow.stage == SHADOW,
        WorkitemRow.rule == batches.RULE,
        WorkitemRow.outcome != Outcome.WITHDRAWN,
    )
    return session.scalars(query).all()

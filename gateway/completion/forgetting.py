"""Evidence that no study needs any more."""

from sqlalchemy import delete

from gateway.store.database import Database
from gateway.store.tables import AssociationRow, ExpectationRow


def forget_evidence(database: Database, before: float) -> None:
    """Delete announcements, and associations that ended, of before that time (since the epoch)."""
    with database.write() as session:
        session.execute(delete(AssociationRow).where(AssociationRow.beat_at < before))
        session.execute(delete(ExpectationRow).where(ExpectationRow.noted_at < before))

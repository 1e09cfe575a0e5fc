"""Findings that are kept for the work that takes them, exactly as the model claimed them.

The one source of what a later model gets: carriers round, and draw outlines. They lie in the
database alone, as the objects of shadow work do, and go with them (gateway/shadow.py).
"""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from gateway.chains import links
from gateway.outcomes import WITH_RESULT
from gateway.store.tables import KeptFindingsRow, WorkitemRow
from standards import findings_file
from standards.findings import Findings


def written_if_wanted(session: Session, uid: str, findings: Findings) -> bytes | None:
    """As a file, where work waits for them: before the transaction that publishes, since writing
    takes a while.
    """
    return findings_file.written(findings) if links.is_wanted(session, uid) else None


def keep_wanted(session: Session, uid: str, findings: Findings, content: bytes | None) -> None:
    """Keep them where work waits for them by now. content: what was written, if it was."""
    if links.is_wanted(session, uid):
        content = content or findings_file.written(findings)
        session.merge(KeptFindingsRow(workitem_uid=uid, content=content))


def read(session: Session, uid: str) -> bytes | None:
    row = session.get(KeptFindingsRow, uid)
    return None if row is None else row.content


def can_be_taken(session: Session, row: WorkitemRow) -> bool:
    """Whether other work may stand on this: unless its findings were not kept, or are gone."""
    if row.outcome not in WITH_RESULT:
        return True
    kept = exists().where(KeptFindingsRow.workitem_uid == row.sop_instance_uid)
    return bool(session.scalar(select(kept)))

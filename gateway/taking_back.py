"""What a worker archived, and then was not the one to publish, leaves the archive again."""

import time
from collections.abc import Sequence

from sqlalchemy.orm import Session

from gateway import air, worklist
from gateway.ingest import Kept
from gateway.store.tables import TombstoneRow, WorkitemRow
from gateway.tombstones import INSTANCE, bury
from gateway.ups import rows


def results(session: Session, workitem: WorkitemRow, kept: Sequence[Kept]) -> None:
    """Results of work that was withdrawn, or has given way.

    Those of a faster worker are the same objects, and stay.
    """
    row = session.get(WorkitemRow, workitem.sop_instance_uid)
    if row is not None and row.outcome in worklist.VOID:
        _bury(session, workitem, kept)


def report(session: Session, workitem: WorkitemRow, kept: Sequence[Kept]) -> None:
    """That there is no result, where the work ended otherwise.

    If a faster worker ended it alike, its report is the same object, and stays.
    """
    row = session.get(WorkitemRow, workitem.sop_instance_uid)
    if row is not None and rows.is_final(row):
        named = air.object_uids(row)
        unnamed = [one for one in kept if one.identity.sop_instance_uid not in named]
        _bury(session, workitem, unnamed)


def _bury(session: Session, workitem: WorkitemRow, kept: Sequence[Kept]) -> None:
    now, by = time.time(), workitem.sop_instance_uid
    bury(
        session,
        [
            TombstoneRow(
                uid=one.identity.sop_instance_uid,
                level=INSTANCE,
                study_instance_uid=workitem.study_instance_uid,
                deleted_at=now,
                deleted_by=by,
                archive_key=one.archive_key,
            )
            for one in kept
        ],
    )

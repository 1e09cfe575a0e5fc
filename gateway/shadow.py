"""Results that are kept apart from the clinical study: of shadow work, and of the steps of a chain
of models that nobody is to see.

Their objects lie in the database, compressed, and nowhere else: no search, no retrieve and no
viewer of the study knows of them, and deleting their inputs leaves nothing behind.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import zstandard
from sqlalchemy import delete
from sqlalchemy.orm import Session

from gateway.errors import NotFound
from gateway.store.tables import KeptFindingsRow, ShadowObjectRow, WorkitemRow

if TYPE_CHECKING:  # at run time it would bring highdicom into every process
    from gateway.outputs import Encoded

SHADOW, LIVE = "shadow", "live"
INTERMEDIATE = "intermediate"  # its findings are for other models alone


def is_apart(row: WorkitemRow) -> bool:
    return row.stage != LIVE


def keep(session: Session, workitem_uid: str, objects: Iterable["Encoded"]) -> None:
    """In the caller's transaction; a repeat takes the place of what was there."""
    for one in objects:
        session.merge(
            ShadowObjectRow(
                sop_instance_uid=str(one.dataset.SOPInstanceUID),
                workitem_uid=workitem_uid,
                content=zstandard.compress(one.part10()),
            )
        )


def forget(session: Session, workitem_uid: str) -> None:
    """All that is kept of this work."""
    for table in (ShadowObjectRow, KeptFindingsRow):
        session.execute(delete(table).where(table.workitem_uid == workitem_uid))


def read(session: Session, workitem_uid: str, sop_instance_uid: str) -> bytes:
    """An object of this work as a DICOM file (PS3.10). Raises NotFound."""
    row = session.get(ShadowObjectRow, sop_instance_uid)
    if row is None or row.workitem_uid != workitem_uid:
        raise NotFound("shadow object", sop_instance_uid)
    return zstandard.decompress(row.content)

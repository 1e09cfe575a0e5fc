"""The trace: one line per thing that happened to a study."""

import json
import time
from typing import Any

from sqlalchemy.orm import Session

from gateway.store.tables import EventRow


def note(  # noqa: PLR0913 (the columns of one row)
    session: Session,
    study_instance_uid: str,
    kind: str,
    detail: dict[str, Any] | None = None,
    *,
    workitem_uid: str = "",
    at: float | None = None,
) -> None:
    """Write one event in the caller's transaction, so that it is true exactly if that commits.

    at:  seconds since the epoch, for what happened before it could be written; unset = now.
    """
    session.add(
        EventRow(
            study_instance_uid=study_instance_uid,
            workitem_uid=workitem_uid,
            at=time.time() if at is None else at,
            kind=kind,
            detail=json.dumps(detail or {}),
        )
    )

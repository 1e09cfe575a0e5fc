"""Taking out of the index what the archive no longer holds."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, exists
from sqlalchemy.orm import Session

from gateway.following.listing import Lost
from gateway.search import derived
from gateway.store.events import note
from gateway.store.tables import InstanceRow, QuarantineRow, SeriesRow, StudyRow


def forget(session: Session, lost: Sequence[Lost]) -> int:
    """Remove lost instances as a deletion does, but for tombstones: nobody here deleted them.

    Each study's trace says how many went. How many there were: a row that names other bytes by
    now stays.
    """
    # 80 MB of readers and writers of results, which a follower that loses nothing never needs.
    from gateway.deletion import forget_lost  # noqa: PLC0415

    keys: dict[str, set[str]] = {}
    for one in lost:
        keys.setdefault(one.study_instance_uid, set()).add(one.archive_key)
    total = 0
    for study in sorted(keys):  # the order in which everyone locks them
        if instances := forget_lost(session, study, keys[study]):
            note(session, study, "lost", {"instances": instances, "source": "archive"})
            total += instances
    return total


def remove_empty(session: Session, study_instance_uids: Iterable[str]) -> None:
    """Rows of these studies that hold nothing; what they are found and counted by is made anew."""
    studies = list(study_instance_uids)
    held = exists().where(InstanceRow.series_instance_uid == SeriesRow.series_instance_uid)
    session.execute(
        delete(SeriesRow)
        .where(SeriesRow.study_instance_uid.in_(studies), ~held)
        .execution_options(synchronize_session=False)
    )
    held = exists().where(SeriesRow.study_instance_uid == StudyRow.study_instance_uid)
    session.execute(
        delete(StudyRow)
        .where(StudyRow.study_instance_uid.in_(studies), ~held)
        .execution_options(synchronize_session=False)
    )
    derived.refresh(session, studies)


def forget_quarantined(session: Session, paths: Sequence[str]) -> None:
    session.execute(delete(QuarantineRow).where(QuarantineRow.path.in_(paths)))

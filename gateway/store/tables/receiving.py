"""What was sent or announced, what could not be kept, and what was deleted."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from gateway.store.tables.base import Base, Large


class AssociationRow(Base):
    """What one DICOM association brings of one study; gateway/completion/associations.py.

    beat_at: the last sign of life of the listener that holds it, while it lasts.
    """

    __tablename__ = "associations"

    id: Mapped[str] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(primary_key=True, index=True)
    calling_ae_title: Mapped[str]
    called_ae_title: Mapped[str]
    state: Mapped[str]  # OPEN, ELSEWHERE: it brings another study now, RELEASED, LOST
    opened_at: Mapped[float]
    beat_at: Mapped[float]
    ended_at: Mapped[float | None] = mapped_column(default=None)


class ExpectationRow(Base):
    """What one announcement says will come of one study; gateway/completion/expectations.py.

    sop_instance_uids: a JSON list, or "" where only the number is announced.
    """

    __tablename__ = "expectations"

    study_instance_uid: Mapped[str] = mapped_column(primary_key=True)
    # DECLARED, MPPS and IAN with the UID of the announcement behind a space, SOURCE
    announced_by: Mapped[str] = mapped_column(primary_key=True, index=True)
    state: Mapped[str]  # of an MPPS: IN PROGRESS, COMPLETED, DISCONTINUED; else COMPLETED
    instances: Mapped[int | None] = mapped_column(default=None)
    sop_instance_uids: Mapped[str] = mapped_column(default="")
    noted_at: Mapped[float]


class QuarantineRow(Base):
    """What was sent but could not be kept, with its reason and the path of its bytes."""

    __tablename__ = "quarantine"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    study_instance_uid: Mapped[str] = mapped_column(default="", index=True)
    sop_instance_uid: Mapped[str] = mapped_column(default="")
    reason: Mapped[str]
    path: Mapped[str]
    size: Mapped[Large]
    received_at: Mapped[float]


class TombstoneRow(Base):
    """What was deleted on purpose: its UID answers 410, until it is stored again.

    archive_key: of an instance whose bytes are still to be deleted from the archive, else "".
    """

    __tablename__ = "tombstones"

    uid: Mapped[str] = mapped_column(primary_key=True)  # of a study, series or instance
    level: Mapped[str]  # study, series, instance
    study_instance_uid: Mapped[str] = mapped_column(index=True)
    deleted_at: Mapped[float]
    deleted_by: Mapped[str]  # name of the token
    archive_key: Mapped[str] = mapped_column(default="", server_default="")


class ArchiveCursorRow(Base):
    """How far the changes of one archive have been followed, and whether it can be believed."""

    __tablename__ = "archive_cursors"

    archive: Mapped[str] = mapped_column(primary_key=True)  # see gateway/following/cursor.py
    last: Mapped[Large] = mapped_column(default=0)
    # Indexed instances that are not there, in what looks like another archive than before.
    missing: Mapped[int] = mapped_column(default=0, server_default="0")


Index(
    "tombstones_with_bytes",
    TombstoneRow.uid,
    sqlite_where=TombstoneRow.archive_key != "",
    postgresql_where=TombstoneRow.archive_key != "",
)

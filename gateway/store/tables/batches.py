"""Models over lists of studies, and results that are no clinical ones."""

from sqlalchemy import ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from gateway.store.tables.base import Base


class BatchRow(Base):
    """One model over a list of studies; gateway/batches/batches.py.

    kind: what its lines name, studies or accession numbers. stage: of its workitems.
    """

    __tablename__ = "batches"

    id: Mapped[str] = mapped_column(primary_key=True)
    model_name: Mapped[str]
    model_version: Mapped[str]
    stage: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)  # RUNNING, PAUSED, CANCELED, DONE
    lines: Mapped[int]
    created_by: Mapped[str]  # name of the token
    created_at: Mapped[float]
    ended_at: Mapped[float | None] = mapped_column(default=None)


class BatchLineRow(Base):
    """One line of a batch. is_own: the batch ordered the workitem, and nobody else before."""

    __tablename__ = "batch_lines"

    batch_id: Mapped[str] = mapped_column(
        ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)  # from 1
    wanted: Mapped[str]
    state: Mapped[str]  # WAITING, ORDERED, NOT_FOUND, UNFIT, CANCELED
    reason: Mapped[str] = mapped_column(default="", server_default="")
    study_instance_uid: Mapped[str] = mapped_column(default="", server_default="")
    workitem_uid: Mapped[str] = mapped_column(default="", server_default="", index=True)
    is_own: Mapped[bool] = mapped_column(default=False, server_default=false())


class ShadowObjectRow(Base):
    """A result object of shadow work, as a compressed file; gateway/shadow.py."""

    __tablename__ = "shadow_objects"

    sop_instance_uid: Mapped[str] = mapped_column(primary_key=True)
    workitem_uid: Mapped[str] = mapped_column(index=True)
    content: Mapped[bytes]


class OverlapRow(Base):
    """How far the segmentations of two workitems overlap; gateway/comparison/overlaps.py.

    voxels: JSON, how many the first, the second and both mark, by Segment Label; NULL until a
    worker has counted them.
    """

    __tablename__ = "segment_overlaps"

    first_uid: Mapped[str] = mapped_column(
        ForeignKey("workitems.sop_instance_uid", ondelete="CASCADE"), primary_key=True
    )
    second_uid: Mapped[str] = mapped_column(
        ForeignKey("workitems.sop_instance_uid", ondelete="CASCADE"), primary_key=True, index=True
    )
    voxels: Mapped[str | None] = mapped_column(default=None)


Index("batch_line_of_state", BatchLineRow.batch_id, BatchLineRow.state, BatchLineRow.number)
Index(
    "overlaps_to_measure",
    OverlapRow.first_uid,
    sqlite_where=OverlapRow.voxels.is_(None),
    postgresql_where=OverlapRow.voxels.is_(None),
)

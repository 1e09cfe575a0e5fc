"""Studies, series and instances, and what searches find them by.

Headers are kept as DICOM JSON text (PS3.18 Annex F), so that metadata answers and searches never
open a file again.
"""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from gateway.store.tables.base import Base, Key, Large


class StudyRow(Base):
    """One study. `attributes` holds patient- and study-level attributes as DICOM JSON.

    Up to the counts the columns are derived, for searches: see gateway/search/derived.py.
    """

    __tablename__ = "studies"

    study_instance_uid: Mapped[Key] = mapped_column(primary_key=True)
    patient_id: Mapped[Key] = mapped_column(default="")
    patient_name: Mapped[Key] = mapped_column(default="")  # folded, groups joined by =
    study_date: Mapped[Key] = mapped_column(default="")  # YYYYMMDD
    study_time: Mapped[Key] = mapped_column(default="")  # HHMMSS.FFFFFF
    accession_number: Mapped[Key] = mapped_column(default="")
    study_id: Mapped[Key] = mapped_column(default="")
    study_description: Mapped[Key] = mapped_column(default="")
    referring_physician_name: Mapped[Key] = mapped_column(default="")  # as patient_name
    number_of_series: Mapped[int] = mapped_column(default=0, server_default="0")
    number_of_instances: Mapped[int] = mapped_column(default=0, server_default="0")
    attributes: Mapped[str]
    created_at: Mapped[float]
    updated_at: Mapped[float]
    # Completion: RECEIVING until the evidence says COMPLETE. Each completion is a generation.
    state: Mapped[str] = mapped_column(default="RECEIVING", index=True)
    generation: Mapped[int] = mapped_column(default=0)
    first_arrival_at: Mapped[float] = mapped_column(default=0.0)
    last_arrival_at: Mapped[float] = mapped_column(default=0.0)
    # When something that is no arrival was last noted of it: an association, an announcement.
    evidence_at: Mapped[float] = mapped_column(default=0.0, server_default="0")
    calling_ae_title: Mapped[str] = mapped_column(default="")
    called_ae_title: Mapped[str] = mapped_column(default="")
    source_address: Mapped[str] = mapped_column(default="", server_default="")  # IP, of the sender


class SeriesRow(Base):
    """One series. `attributes` holds series-level attributes as DICOM JSON."""

    __tablename__ = "series"

    series_instance_uid: Mapped[Key] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[Key] = mapped_column(
        ForeignKey("studies.study_instance_uid", ondelete="CASCADE")
    )
    modality: Mapped[Key] = mapped_column(default="")
    series_number: Mapped[int | None] = mapped_column(default=None)
    series_description: Mapped[Key] = mapped_column(default="")
    number_of_instances: Mapped[int] = mapped_column(default=0, server_default="0")
    attributes: Mapped[str]
    created_at: Mapped[float]


class InstanceRow(Base):
    """One instance. `header` is its whole header but the bulk data, DICOM JSON, UTF-8 bytes."""

    __tablename__ = "instances"

    sop_instance_uid: Mapped[Key] = mapped_column(primary_key=True)
    series_instance_uid: Mapped[Key] = mapped_column(
        ForeignKey("series.series_instance_uid", ondelete="CASCADE")
    )
    study_instance_uid: Mapped[Key]
    sop_class_uid: Mapped[Key]
    transfer_syntax_uid: Mapped[Key]
    instance_number: Mapped[int | None] = mapped_column(default=None)
    rows: Mapped[int | None] = mapped_column(default=None)
    columns: Mapped[int | None] = mapped_column(default=None)
    number_of_frames: Mapped[int] = mapped_column(default=1)
    header: Mapped[bytes]
    archive_key: Mapped[Key] = mapped_column(index=True)  # what the archive calls the bytes
    size: Mapped[Large]
    sha256: Mapped[str]
    created_by: Mapped[str] = mapped_column(default="")  # workitem UID for our own results
    received_at: Mapped[float]


class StudyValueRow(Base):
    """A value that a study is found by, in the order in which searches answer.

    attribute: see gateway/search/values.py. Its date and time are those of the study.
    """

    __tablename__ = "study_values"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    attribute: Mapped[Key] = mapped_column(primary_key=True)
    value: Mapped[Key] = mapped_column(primary_key=True)
    study_date: Mapped[Key] = mapped_column(primary_key=True)
    study_time: Mapped[Key] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[Key] = mapped_column(
        ForeignKey("studies.study_instance_uid", ondelete="CASCADE"), primary_key=True, index=True
    )


# Searches answer the newest study first. Read backwards, each of these gives studies in that order.
_STUDY_ORDER = (StudyRow.study_date, StudyRow.study_time, StudyRow.study_instance_uid)
Index("study_order", *_STUDY_ORDER)
Index("study_of_patient", StudyRow.patient_id, *_STUDY_ORDER)
Index("study_of_accession", StudyRow.accession_number, *_STUDY_ORDER)
Index("study_of_id", StudyRow.study_id, *_STUDY_ORDER)
Index("series_order", SeriesRow.study_instance_uid, SeriesRow.series_number)
Index("instance_order", InstanceRow.series_instance_uid, InstanceRow.instance_number)
Index(
    "instance_of_study",
    InstanceRow.study_instance_uid,
    InstanceRow.series_instance_uid,
    InstanceRow.sop_class_uid,
)

"""Tables of the index, the worklist, the registry and the trace (SQLAlchemy, both databases).

Headers are kept as DICOM JSON text (PS3.18 Annex F), so that metadata answers and searches never
open a file again. Times are seconds since the epoch, UTC, as the engine's clock gives them.
"""

from sqlalchemy import ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {str: Text, bytes: LargeBinary}  # noqa: RUF012 (SQLAlchemy reads it)


class StudyRow(Base):
    """One study. `attributes` holds patient- and study-level attributes as DICOM JSON."""

    __tablename__ = "studies"

    study_instance_uid: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(default="", index=True)
    patient_name: Mapped[str] = mapped_column(default="", index=True)  # folded: see gateway/search
    study_date: Mapped[str] = mapped_column(default="", index=True)  # YYYYMMDD
    study_time: Mapped[str] = mapped_column(default="")
    accession_number: Mapped[str] = mapped_column(default="", index=True)
    study_id: Mapped[str] = mapped_column(default="")
    study_description: Mapped[str] = mapped_column(default="")
    referring_physician_name: Mapped[str] = mapped_column(default="")
    attributes: Mapped[str]
    created_at: Mapped[float]
    updated_at: Mapped[float]
    # Completion: RECEIVING until the evidence says COMPLETE. Each completion is a generation.
    state: Mapped[str] = mapped_column(default="RECEIVING", index=True)
    generation: Mapped[int] = mapped_column(default=0)
    first_arrival_at: Mapped[float] = mapped_column(default=0.0)
    last_arrival_at: Mapped[float] = mapped_column(default=0.0)
    calling_ae_title: Mapped[str] = mapped_column(default="")
    called_ae_title: Mapped[str] = mapped_column(default="")


class SeriesRow(Base):
    """One series. `attributes` holds series-level attributes as DICOM JSON."""

    __tablename__ = "series"

    series_instance_uid: Mapped[str] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(
        ForeignKey("studies.study_instance_uid", ondelete="CASCADE"), index=True
    )
    modality: Mapped[str] = mapped_column(default="", index=True)
    series_number: Mapped[int | None] = mapped_column(default=None)
    series_description: Mapped[str] = mapped_column(default="")
    attributes: Mapped[str]
    created_at: Mapped[float]


class InstanceRow(Base):
    """One instance. `header` is its whole header but the bulk data, DICOM JSON, UTF-8 bytes."""

    __tablename__ = "instances"

    sop_instance_uid: Mapped[str] = mapped_column(primary_key=True)
    series_instance_uid: Mapped[str] = mapped_column(
        ForeignKey("series.series_instance_uid", ondelete="CASCADE"), index=True
    )
    study_instance_uid: Mapped[str] = mapped_column(index=True)
    sop_class_uid: Mapped[str] = mapped_column(index=True)
    transfer_syntax_uid: Mapped[str]
    instance_number: Mapped[int | None] = mapped_column(default=None)
    rows: Mapped[int | None] = mapped_column(default=None)
    columns: Mapped[int | None] = mapped_column(default=None)
    number_of_frames: Mapped[int] = mapped_column(default=1)
    header: Mapped[bytes]
    archive_key: Mapped[str]  # how the archive names the bytes (an Orthanc id, a path)
    size: Mapped[int]
    sha256: Mapped[str]
    created_by: Mapped[str] = mapped_column(default="")  # workitem UID for our own results
    received_at: Mapped[float]


class WorkitemRow(Base):
    """One Unified Procedure Step (PS3.3 B.26.2, PS3.4 CC). `dataset` is its DICOM JSON."""

    __tablename__ = "workitems"

    sop_instance_uid: Mapped[str] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(index=True)
    series_instance_uid: Mapped[str]
    procedure_step_state: Mapped[str] = mapped_column(index=True)
    transaction_uid: Mapped[str] = mapped_column(default="")
    model_name: Mapped[str] = mapped_column(index=True)
    model_version: Mapped[str]
    model_digest: Mapped[str]
    rule: Mapped[str] = mapped_column(default="")
    priority: Mapped[str] = mapped_column(default="MEDIUM")
    outcome: Mapped[str] = mapped_column(default="")  # DONE, NO_RESULT, FAILED, TIMED_OUT
    reason: Mapped[str] = mapped_column(default="")
    progress: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)  # claims so far; too many end it
    dataset: Mapped[str]
    results: Mapped[str] = mapped_column(default="")  # the AIR result tree, JSON
    created_at: Mapped[float]
    started_at: Mapped[float | None] = mapped_column(default=None)
    ended_at: Mapped[float | None] = mapped_column(default=None)


class ModelRow(Base):
    """One registered version of one model. `card` is the card as JSON."""

    __tablename__ = "models"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    card: Mapped[str]
    artefact: Mapped[str] = mapped_column(default="")  # sha256 of the uploaded archive, or ""
    enabled: Mapped[bool] = mapped_column(default=True)
    registered_at: Mapped[float]


class RuleRow(Base):
    """One routing rule. `body` is JSON; the order decides which reason is told first."""

    __tablename__ = "rules"

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    body: Mapped[str]
    origin: Mapped[str] = mapped_column(default="api")  # api, or file: replaced at each start
    changed_at: Mapped[float]


class EventRow(Base):
    """One line of a study's trace, from first byte to last delivery. `detail` is JSON."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    study_instance_uid: Mapped[str] = mapped_column(index=True)
    workitem_uid: Mapped[str] = mapped_column(default="", index=True)
    at: Mapped[float]
    kind: Mapped[str]
    detail: Mapped[str] = mapped_column(default="{}")


class WorkerRow(Base):
    """A sign of life of one worker process, so that another takes over when it ends."""

    __tablename__ = "workers"

    executor_id: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[float]


class QuarantineRow(Base):
    """What was sent but could not be kept, with its reason and the path of its bytes."""

    __tablename__ = "quarantine"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    study_instance_uid: Mapped[str] = mapped_column(default="", index=True)
    sop_instance_uid: Mapped[str] = mapped_column(default="")
    reason: Mapped[str]
    path: Mapped[str]
    size: Mapped[int]
    received_at: Mapped[float]


class FhirRow(Base):
    """The current version of one FHIR R4 resource, its JSON as served."""

    __tablename__ = "fhir_resources"

    resource_type: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    last_updated: Mapped[float] = mapped_column(index=True)
    workitem_uid: Mapped[str] = mapped_column(default="", index=True)
    body: Mapped[str]


class FhirSearchRow(Base):
    """One searchable value of a resource (FHIR R4 search: token, reference, date, string)."""

    __tablename__ = "fhir_search"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    resource_type: Mapped[str]
    resource_id: Mapped[str]
    parameter: Mapped[str]
    system: Mapped[str] = mapped_column(default="")
    value: Mapped[str] = mapped_column(default="")
    low: Mapped[float | None] = mapped_column(default=None)  # dates: first and last second
    high: Mapped[float | None] = mapped_column(default=None)


Index("series_order", SeriesRow.study_instance_uid, SeriesRow.series_number)
Index("instance_order", InstanceRow.series_instance_uid, InstanceRow.instance_number)
Index("fhir_value", FhirSearchRow.resource_type, FhirSearchRow.parameter, FhirSearchRow.value)
Index("fhir_owner", FhirSearchRow.resource_type, FhirSearchRow.resource_id)

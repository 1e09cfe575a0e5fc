"""Tables of the index, the worklist, the registry and the trace (SQLAlchemy, both databases).

Headers are kept as DICOM JSON text (PS3.18 Annex F), so that metadata answers and searches never
open a file again. Times are seconds since the epoch, UTC, as the engine's clock gives them.
"""

from typing import Annotated

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, Text, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {str: Text, bytes: LargeBinary}  # noqa: RUF012 (SQLAlchemy reads it)


# Text that is searched by ranges and prefixes: compared by code point, whatever the language that
# a PostgreSQL database was made for.
Key = Annotated[str, mapped_column(Text().with_variant(Text(collation="C"), "postgresql"))]
Large = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"))]


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


class WorkitemRow(Base):
    """One Unified Procedure Step (PS3.3 B.26.2, PS3.4 CC). `dataset` is its DICOM JSON.

    State, label, priority and start repeat what it says, for searches. Work that was ordered from
    outside names no model, and may name no study.
    """

    __tablename__ = "workitems"

    sop_instance_uid: Mapped[str] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(index=True)
    series_instance_uid: Mapped[str]  # of the first input; the results are drawn on it
    inputs: Mapped[str] = mapped_column(default="{}", server_default="{}")  # name: series, JSON
    procedure_step_state: Mapped[str] = mapped_column(index=True)
    transaction_uid: Mapped[str] = mapped_column(default="")
    model_name: Mapped[str] = mapped_column(index=True)
    model_version: Mapped[str]
    model_digest: Mapped[str]
    rule: Mapped[str] = mapped_column(default="")
    stage: Mapped[str] = mapped_column(default="live", server_default="live")  # or shadow
    priority: Mapped[str] = mapped_column(default="MEDIUM")
    worklist_label: Mapped[Key] = mapped_column(default="", server_default="")
    scheduled_start: Mapped[Key] = mapped_column(default="", server_default="")  # UTC, in full
    outcome: Mapped[str] = mapped_column(default="")  # gateway/outcomes.py; "" until it ends
    reason: Mapped[str] = mapped_column(default="")
    progress: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)  # claims so far; too many end it
    queue: Mapped[str] = mapped_column(default="cpu", server_default="cpu")  # of ModelCard
    # How often it was put off: jobs from before the last time are void. And until when it is, in
    # seconds since the epoch: NULL while a worker is on it, or its first job waits in the queue.
    put_offs: Mapped[int] = mapped_column(default=0, server_default="0")
    not_before: Mapped[float | None] = mapped_column(default=None)
    # UID of the first workitem for this work, which ended without a result; "" for that one itself.
    replay_of: Mapped[str] = mapped_column(default="", server_default="", index=True)
    # Claimed over UPS-RS: no worker of ours performs it.
    claimed_outside: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Somebody asked that it be canceled while it was IN PROGRESS, and why: for whoever performs it.
    cancel_requested_at: Mapped[float | None] = mapped_column(default=None)
    cancel_reason: Mapped[str] = mapped_column(default="", server_default="")
    dataset: Mapped[str]
    results: Mapped[str] = mapped_column(default="")  # the AIR result tree, JSON
    # UID of the work for the same study whose result this one's takes the place of, or ""
    supersedes: Mapped[str] = mapped_column(default="", server_default="", index=True)
    created_at: Mapped[float]
    started_at: Mapped[float | None] = mapped_column(default=None)
    ended_at: Mapped[float | None] = mapped_column(default=None)


class WorkitemCodeRow(Base):
    """A code that a workitem is found by: of its stations, or of what is to be done.

    attribute: tag of the sequence that holds it.
    """

    __tablename__ = "workitem_codes"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    attribute: Mapped[Key] = mapped_column(primary_key=True)
    code_value: Mapped[Key] = mapped_column(primary_key=True)
    sop_instance_uid: Mapped[str] = mapped_column(
        ForeignKey("workitems.sop_instance_uid", ondelete="CASCADE"), primary_key=True, index=True
    )


class SubscriptionRow(Base):
    """Whether an AE is told of events of a workitem, or of the worklist (PS3.4 CC.2.3).

    workitem_uid: of one workitem, or the well-known UID of the worklist or the filtered worklist.
    filter: of the latter, its name and value pairs as JSON. suspended_at: since when workitems
    that are created no longer count.
    """

    __tablename__ = "ups_subscriptions"

    workitem_uid: Mapped[str] = mapped_column(primary_key=True)
    aet: Mapped[str] = mapped_column(primary_key=True, index=True)
    subscribed: Mapped[bool] = mapped_column(default=True)
    deletion_lock: Mapped[bool] = mapped_column(default=False)
    filter: Mapped[str] = mapped_column(default="")
    suspended_at: Mapped[float | None] = mapped_column(default=None)


class NotificationRow(Base):
    """An event report that an AE has not been sent yet. `report` is its DICOM JSON."""

    __tablename__ = "ups_notifications"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    aet: Mapped[str]
    at: Mapped[float] = mapped_column(index=True)
    report: Mapped[str]


class EventChannelRow(Base):
    """The WebSocket that takes the event reports of an AE: the one that was opened last."""

    __tablename__ = "ups_event_channels"

    aet: Mapped[str] = mapped_column(primary_key=True)
    connection: Mapped[str]  # drawn anew for each WebSocket
    opened_at: Mapped[float]


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


class RuleVersionRow(Base):
    """The whole set of routing rules as one change left it; the last one is in force.

    rules: JSON list, in the order in which they are asked. from_file: JSON list of the names that
    the rules file gave; file_sha256: of the rules that it held when it was last taken over.
    """

    __tablename__ = "rule_versions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[float]
    changed_by: Mapped[str]  # name of the token, or `rules file`
    change: Mapped[str]  # what was done, in words
    rules: Mapped[str]
    from_file: Mapped[str] = mapped_column(default="[]", server_default="[]")
    file_sha256: Mapped[str] = mapped_column(default="", server_default="")


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


class TokenRow(Base):
    """A bearer token beside the administrator's own. Only its hash is kept."""

    __tablename__ = "tokens"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    patient_id: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[float]
    expires_at: Mapped[float | None] = mapped_column(default=None)


class ArchiveCursorRow(Base):
    """How far the changes of one archive have been followed, and whether it can be believed."""

    __tablename__ = "archive_cursors"

    archive: Mapped[str] = mapped_column(primary_key=True)  # see gateway/following/cursor.py
    last: Mapped[Large] = mapped_column(default=0)
    # Indexed instances that are not there, in what looks like another archive than before.
    missing: Mapped[int] = mapped_column(default=0, server_default="0")


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
    workitem_uid: Mapped[str] = mapped_column(default="", server_default="")
    is_own: Mapped[bool] = mapped_column(default=False, server_default=false())


class ShadowObjectRow(Base):
    """A result object of shadow work, as a compressed file; gateway/shadow.py."""

    __tablename__ = "shadow_objects"

    sop_instance_uid: Mapped[str] = mapped_column(primary_key=True)
    workitem_uid: Mapped[str] = mapped_column(index=True)
    content: Mapped[bytes]


class MetricSumRow(Base):
    """A counter, or a histogram, of one set of label values; gateway/metric_sums.py.

    labels: JSON list of the values. buckets: of a histogram, JSON list of counts.
    """

    __tablename__ = "metric_sums"

    family: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[Large]
    total: Mapped[float]
    buckets: Mapped[str]


class MetricMarkRow(Base):
    """The last event that is in the sums; the only row."""

    __tablename__ = "metric_marks"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int]


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
# Searches of the worklist answer what is to begin first.
_WORKITEM_ORDER = (WorkitemRow.scheduled_start, WorkitemRow.sop_instance_uid)
Index("workitem_order", *_WORKITEM_ORDER)
Index("workitem_newest", WorkitemRow.created_at, WorkitemRow.sop_instance_uid)
Index(
    "workitem_that_waits",
    WorkitemRow.not_before,
    sqlite_where=WorkitemRow.not_before.is_not(None),
    postgresql_where=WorkitemRow.not_before.is_not(None),
)
Index("workitem_of_outcome", WorkitemRow.outcome, WorkitemRow.created_at)
Index("workitem_of_state", WorkitemRow.procedure_step_state, *_WORKITEM_ORDER)
Index(
    "workitem_of_label",
    WorkitemRow.worklist_label,
    WorkitemRow.procedure_step_state,
    *_WORKITEM_ORDER,
)
Index("batch_line_of_state", BatchLineRow.batch_id, BatchLineRow.state, BatchLineRow.number)
Index(
    "workitem_of_queue",
    WorkitemRow.procedure_step_state,
    WorkitemRow.queue,
    WorkitemRow.priority,
    WorkitemRow.created_at,
)
Index("ups_notifications_of_ae", NotificationRow.aet, NotificationRow.id)
Index("fhir_value", FhirSearchRow.resource_type, FhirSearchRow.parameter, FhirSearchRow.value)
Index("fhir_owner", FhirSearchRow.resource_type, FhirSearchRow.resource_id)
Index(
    "tombstones_with_bytes",
    TombstoneRow.uid,
    sqlite_where=TombstoneRow.archive_key != "",
    postgresql_where=TombstoneRow.archive_key != "",
)

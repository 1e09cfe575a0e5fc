"""Workitems, and who is told of them."""

from sqlalchemy import ForeignKey, Index, false, true
from sqlalchemy.orm import Mapped, mapped_column

from gateway.store.tables.base import Base, Key


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
    # Where it gives none, an SR in the study says so: its rule asks for that.
    sr_without_result: Mapped[bool] = mapped_column(default=False, server_default=false())
    priority: Mapped[str] = mapped_column(default="MEDIUM")
    worklist_label: Mapped[Key] = mapped_column(default="", server_default="")
    scheduled_start: Mapped[Key] = mapped_column(default="", server_default="")  # UTC, in full
    outcome: Mapped[str] = mapped_column(default="")  # gateway/outcomes.py; "" until it ends
    reason: Mapped[str] = mapped_column(default="")
    progress: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)  # claims so far; too many end it
    queue: Mapped[str] = mapped_column(default="cpu", server_default="cpu")  # of ModelCard
    concurrency: Mapped[int | None] = mapped_column(default=None)  # of Resources
    # It stands in line for a place (gateway/places.py); its job comes when it is next.
    awaits_place: Mapped[bool] = mapped_column(default=False, server_default=false())
    # How often it was put off: jobs from before the last time are void. And until when it is, in
    # seconds since the epoch: NULL while a worker is on it, or its job is in the queue at once.
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


class WorkerRow(Base):
    """A sign of life of one worker process, so that another takes over when it ends."""

    __tablename__ = "workers"

    executor_id: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[float]


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
Index(
    "workitem_that_awaits_place",
    WorkitemRow.model_name,
    WorkitemRow.model_version,
    sqlite_where=WorkitemRow.awaits_place == true(),
    postgresql_where=WorkitemRow.awaits_place,
)
Index(
    "workitem_that_is_a_try",
    WorkitemRow.model_name,
    WorkitemRow.model_version,
    WorkitemRow.created_at,
    sqlite_where=WorkitemRow.rule == "(try)",
    postgresql_where=WorkitemRow.rule == "(try)",
)
Index(
    "workitem_of_version",
    WorkitemRow.model_name,
    WorkitemRow.model_version,
    WorkitemRow.ended_at,
    WorkitemRow.stage,
    WorkitemRow.rule,
    WorkitemRow.outcome,
)
Index("workitem_of_outcome", WorkitemRow.outcome, WorkitemRow.created_at)
Index("workitem_of_state", WorkitemRow.procedure_step_state, *_WORKITEM_ORDER)
Index(
    "workitem_of_label",
    WorkitemRow.worklist_label,
    WorkitemRow.procedure_step_state,
    *_WORKITEM_ORDER,
)
Index(
    "workitem_of_queue",
    WorkitemRow.procedure_step_state,
    WorkitemRow.queue,
    WorkitemRow.priority,
    WorkitemRow.created_at,
)
Index("ups_notifications_of_ae", NotificationRow.aet, NotificationRow.id)

"""What happened to each study, and the sums that metrics are made of."""

from sqlalchemy.orm import Mapped, mapped_column

from gateway.store.tables.base import Base, Large


class EventRow(Base):
    """One line of a study's trace, from first byte to last delivery. `detail` is JSON."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    study_instance_uid: Mapped[str] = mapped_column(index=True)
    workitem_uid: Mapped[str] = mapped_column(default="", index=True)
    at: Mapped[float]
    kind: Mapped[str]
    detail: Mapped[str] = mapped_column(default="{}")


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


class TelemetryMarkRow(Base):
    """The last event that was exported as a span; the only row."""

    __tablename__ = "telemetry_marks"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int]

"""Tables of the whole program, one file for each subject (SQLAlchemy, both databases).

Times are seconds since the epoch, UTC, as the engine's clock gives them.
"""

from gateway.store.tables.base import Base, Key, Large
from gateway.store.tables.batches import BatchLineRow, BatchRow, OverlapRow, ShadowObjectRow
from gateway.store.tables.chains import ChainLinkRow, KeptFindingsRow
from gateway.store.tables.receiving import (
    ArchiveCursorRow,
    AssociationRow,
    ExpectationRow,
    QuarantineRow,
    TombstoneRow,
)
from gateway.store.tables.registry import ModelRow, ModelStageRow, RuleVersionRow
from gateway.store.tables.resources import FhirRow, FhirSearchRow
from gateway.store.tables.study_index import InstanceRow, SeriesRow, StudyRow, StudyValueRow
from gateway.store.tables.tokens import TokenRow
from gateway.store.tables.trace import EventRow, MetricMarkRow, MetricSumRow, TelemetryMarkRow
from gateway.store.tables.worklist import (
    EventChannelRow,
    NotificationRow,
    SubscriptionRow,
    WorkerRow,
    WorkitemCodeRow,
    WorkitemRow,
)

__all__ = [
    "ArchiveCursorRow",
    "AssociationRow",
    "Base",
    "BatchLineRow",
    "BatchRow",
    "ChainLinkRow",
    "EventChannelRow",
    "EventRow",
    "ExpectationRow",
    "FhirRow",
    "FhirSearchRow",
    "InstanceRow",
    "KeptFindingsRow",
    "Key",
    "Large",
    "MetricMarkRow",
    "MetricSumRow",
    "ModelRow",
    "ModelStageRow",
    "NotificationRow",
    "OverlapRow",
    "QuarantineRow",
    "RuleVersionRow",
    "SeriesRow",
    "ShadowObjectRow",
    "StudyRow",
    "StudyValueRow",
    "SubscriptionRow",
    "TelemetryMarkRow",
    "TokenRow",
    "TombstoneRow",
    "WorkerRow",
    "WorkitemCodeRow",
    "WorkitemRow",
]

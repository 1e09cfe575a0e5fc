"""The evidence of this gateway, in the order of its strength."""

from collections.abc import Callable
from functools import partial

from sqlalchemy.orm import Session

from adapters.source_count import count_at
from gateway.completion.associations import AssociationReleased
from gateway.completion.declared_counts import DeclaredCounts
from gateway.completion.expectations import Announced
from gateway.completion.quiet import QuietTime
from gateway.completion.routes import RequiredSeries, RoutePolicy
from gateway.completion.source_counts import SourceCounts
from gateway.completion.sweep import Completion
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.tables import StudyRow
from standards.study import Study


def build_completion(
    settings: Settings,
    database: Database,
    on_complete: Callable[[Session, Study, StudyRow], None],
) -> Completion:
    quiet = QuietTime(
        settings.quiet_seconds, settings.incomplete_seconds, settings.maximum_quiet_seconds
    )
    evidence = [
        Announced(),
        DeclaredCounts(),
        RequiredSeries(),
        AssociationReleased(settings.association_seconds),
        SourceCounts(
            database,
            settings.sources_by_title,
            partial(count_at, calling_ae_title=settings.ae_title),
            settings.quiet_seconds / 2,
        ),
    ]
    policy_of = RoutePolicy(settings.quiet_seconds).of
    return Completion(database, quiet, on_complete, evidence=evidence, policy_of=policy_of)

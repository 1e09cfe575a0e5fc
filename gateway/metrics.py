"""What Prometheus reads: counts out of the database, so that every process tells the same."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select

from adapters.errors import ArchiveUnavailable
from gateway.following.lag import lag
from gateway.services import Services
from gateway.store.tables import InstanceRow, QuarantineRow, StudyRow, WorkitemRow


class _Counts:
    def __init__(self, services: Services) -> None:
        self._services, self._database = services, services.database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        studies = GaugeMetricFamily("airgate_studies", "Studies in the index", labels=["state"])
        workitems = GaugeMetricFamily(
            "airgate_workitems", "Workitems", labels=["model", "state", "outcome"]
        )
        with self._database.read() as session:
            for state, count in session.execute(
                select(StudyRow.state, func.count()).group_by(StudyRow.state)
            ):
                studies.add_metric([state], count)
            keys = (WorkitemRow.model_name, WorkitemRow.procedure_step_state, WorkitemRow.outcome)
            for *labels, count in session.execute(select(*keys, func.count()).group_by(*keys)):
                workitems.add_metric([str(label) for label in labels], count)
            instances = session.scalar(select(func.count()).select_from(InstanceRow)) or 0
            refused = session.scalar(select(func.count()).select_from(QuarantineRow)) or 0
        yield studies
        yield workitems
        yield GaugeMetricFamily("airgate_instances", "Instances in the index", value=instances)
        yield GaugeMetricFamily("airgate_quarantined", "Instances in quarantine", value=refused)
        yield from self._following()

    def _following(self) -> Iterator[GaugeMetricFamily]:
        """Nothing while the archive is away; /health/ready tells that."""
        services = self._services
        try:
            found = lag(services.settings, services.database, services.archive)
        except ArchiveUnavailable:
            return
        if found is None:
            return
        yield GaugeMetricFamily(
            "airgate_archive_instances", "Instances in the archive", value=found.held
        )
        yield GaugeMetricFamily(
            "airgate_archive_missing",
            "Indexed instances that are not in what looks like another archive than before",
            value=found.missing,
        )
        if found.behind is not None:
            yield GaugeMetricFamily(
                "airgate_archive_changes_behind",
                "Changes of the archive that are not followed yet",
                value=found.behind,
            )


def exposition(services: Services) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Counts(services))
    return generate_latest(registry)

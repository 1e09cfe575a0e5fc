"""Follows the events of the trace and has them exported as spans, whichever process wrote them.

How far it came stands in the database. It is moved after the receiver has answered, so that nothing
is left out, and what is told twice after a kill, or by two servers, is the same span.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import select, update

from gateway.errors import GatewayError, NotConfigured
from gateway.feed import Horizon
from gateway.repeating import repeating
from gateway.store.database import Database
from gateway.store.inserting import insert_missing
from gateway.store.tables import EventRow, TelemetryMarkRow
from gateway.telemetry.spans import Span, spans_of

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
FOLLOW_SECONDS = 2.0
AT_ONCE = 500  # events in one request
LATEST_SECONDS = 86400.0  # what could not be told until then is left out

log = logging.getLogger(__name__)


class NotExported(GatewayError):
    def __init__(self, spans: int) -> None:
        super().__init__(
            f"{spans} spans were not taken; look at the receiver and the OTEL_ settings"
        )


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether the variables of OpenTelemetry name a receiver, and do not switch all of it off."""
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not off and any(environment.get(name) for name in ENDPOINTS)


@contextmanager
def exporting(database: Database) -> Iterator[None]:
    """Export while the block runs. Raises NotConfigured where the packages are missing."""
    try:
        from gateway.telemetry.otlp import Exporter  # noqa: PLC0415 (an extra brings what it needs)
    except ImportError as error:
        raise NotConfigured(
            f"{ENDPOINTS[0]} is set, but {error.name} is not installed; install airgate[otel], or "
            "take the setting away"
        ) from error
    exporter = Exporter()
    following = Following(database, exporter.export)
    failed = "the trace is not exported now; trying again"
    with repeating(
        following.follow, name="telemetry", seconds=FOLLOW_SECONDS, failed=failed, log=log
    ):
        try:
            yield
        finally:
            exporter.stop()


class Following:
    """export: takes spans, and says whether the receiver has them."""

    def __init__(self, database: Database, export: Callable[[Sequence[Span]], bool]) -> None:
        self._database, self._export = database, export
        self._horizon = Horizon(database)

    def follow(self) -> None:
        """Tell all that is settled; the first time, only what comes from then on.

        Raises NotExported.
        """
        settled = self._horizon.look()
        if settled is None:
            return
        mark = self._mark(settled)
        while mark < settled:
            mark = self._tell_some(mark, settled)

    def _mark(self, settled: int) -> int:
        with self._database.read() as session:
            mark = session.scalar(select(TelemetryMarkRow.event_id))
        if mark is not None:
            return mark
        with self._database.write() as session:
            first = {"id": 1, "event_id": settled}
            session.execute(insert_missing(session, TelemetryMarkRow), first)
        return settled

    def _tell_some(self, mark: int, settled: int) -> int:
        """The mark after that; no transaction is open while the receiver is waited for."""
        with self._database.read() as session:
            events = session.scalars(
                select(EventRow)
                .where(EventRow.id > mark, EventRow.id <= settled)
                .order_by(EventRow.id)
                .limit(AT_ONCE)
            ).all()
            recent = [one for one in events if one.at > time.time() - LATEST_SECONDS]
            spans = list(spans_of(session, recent))
        if spans and not self._export(spans):
            raise NotExported(len(spans))
        upto = events[-1].id if len(events) == AT_ONCE else settled
        with self._database.write() as session:
            session.execute(
                update(TelemetryMarkRow)
                .where(TelemetryMarkRow.event_id < upto)  # another server may be further
                .values(event_id=upto)
            )
        return upto

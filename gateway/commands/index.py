"""`airgate index verify`: whether index and archive agree, told and mended."""

import json
import sys
import time
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from adapters.errors import ArchiveUnavailable
from gateway import services
from gateway.archives import connect
from gateway.following.verification import Difference, Kind, Order, Report, Verification
from gateway.settings import Settings

PROGRESS_SECONDS = 2.0

MEANING = {
    Kind.NOT_INDEXED: "in the archive, not in the index",
    Kind.LOST: "in the index, not in the archive",
    Kind.CONTENT: "archived bytes are not those that were indexed",
    Kind.DERIVED: "studies whose counts or search values are wrong",
}
MEND = {
    Kind.CONTENT: "restore these instances from a backup, or delete them and send them again",
}
REPAIR = "run `airgate index verify --repair`"
DOUBTFUL = (
    "this looks like another archive than the one that was indexed: set AIRGATE_ARCHIVE to the "
    "right one, or drop what it lacks by `airgate index verify --repair --drop-missing`"
)


def verify(settings: Settings, order: Order, *, as_json: bool = False) -> int:
    """Exit status 0: they agree (now); 1: differences are left; 2: they could not be compared."""
    database = services.open_database(settings)
    parts = services.build(settings, connect(settings), database)
    try:
        report = Verification(parts, Lines(), order).run()
    except ArchiveUnavailable as error:
        return _failed(str(error))
    except SQLAlchemyError as error:
        found = str(getattr(error, "orig", None) or error).splitlines()[0]
        return _failed(f"the index cannot be read: {found}; start `airgate serve` once, or mend it")
    finally:
        parts.ingest.close()
        database.close()
    if as_json:
        print(json.dumps({"agrees": report.agrees, **asdict(report)}, indent=2))
    else:
        _print(report, repair=order.repair)
    return 0 if report.agrees else 1


class Lines:
    """Progress as a line on standard error now and then."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def say(self, told: str) -> None:
        self._told_at = time.monotonic()
        print(told, file=sys.stderr, flush=True)

    def count(self, doing: str, done: int, of: int = 0) -> None:
        if time.monotonic() - self._told_at > PROGRESS_SECONDS:
            self.say(f"{doing} {done:,}" + (f" of {of:,}" if of else ""))


def _failed(told: str) -> int:
    print(f"airgate: {told}", file=sys.stderr)
    return 2


def _print(report: Report, *, repair: bool) -> None:
    console = Console(markup=False, highlight=False)
    console.print(f"archive: {report.archive}")
    console.print(f"  {report.held:,} instances there, {report.indexed:,} in the index")
    if report.quarantined:
        console.print(
            f"  {report.quarantined:,} of them not indexed for a reason that "
            "/api/v1/quarantine tells"
        )
    if report.under_way:
        console.print(f"  {report.under_way:,} came just now and may still be indexed")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("difference")
    table.add_column("found", justify="right")
    if repair:
        table.add_column("mended", justify="right")
    for one in report.differences:
        numbers = (one.count, one.mended) if repair else (one.count,)
        table.add_row(MEANING[one.kind], *(f"{number:,}" for number in numbers))
    console.print(table)
    for one in report.differences:
        _print_examples(console, one)
    console.print(_verdict(report, repair=repair))


def _print_examples(console: Console, one: Difference) -> None:
    if one.mended == one.count:
        return
    console.print(f"{MEANING[one.kind]}:")
    for name in one.examples:
        console.print(f"  {name}", soft_wrap=True)
    if one.count > len(one.examples):
        console.print(f"  and {one.count - len(one.examples):,} more")


def _verdict(report: Report, *, repair: bool) -> str:
    if report.agrees:
        mended = sum(one.mended for one in report.differences)
        return "index and archive agree" + (f" now, {mended:,} mended" if mended else "")
    if report.doubtful:
        return f"index and archive differ; {DOUBTFUL}"
    left = [one for one in report.differences if one.mended < one.count]
    advice = [MEND[one.kind] for one in left if one.kind in MEND]
    if not repair and any(one.kind not in MEND for one in left):
        advice.append(REPAIR)
    return "index and archive differ" + (f"; {', or '.join(advice)}" if advice else "")

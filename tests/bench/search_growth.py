"""How long searches take as the archive grows: QIDO-RS over HTTP, as OHIF's worklist asks.

    python -m tests.bench.search_growth [--most 1000000] [--postgresql] [--requests 100]

Rows are made directly (tests/bench/archive_rows.py). Each request is asked for with other values
each time, and the 95th percentile is told; the aim is that it grows less than 2 x.
"""

import argparse
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text

from gateway.store.database import Database
from tests.bench.archive_rows import RARE, STUDIES_A_DAY, Study
from tests.bench.plan import Plan
from tests.bench.report import Line
from tests.gateway.index_helper import Gateway
from tests.postgresql import PostgreSQL

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MOST_WITH_SERIES = 100_000  # beyond, rows of series only take space; no search here reads them
_AT_ONCE = 5_000
_CACHE_KIB = 2_000_000  # while SQLite is filled: rows come in no order of its tables
_FIELDS = "limit=101&offset=0&fuzzymatching=false&includefield=00081030,00080060,00080090,00100030"

_CHANCE = random.Random(0)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Ask:
    """One kind of request. query: with the values of a study. aim: whether it may not grow."""

    name: str
    query: Callable[[Study], str]
    aim: bool = False


def _days(study: Study, days: int) -> str:
    first = Study(study.number + days * STUDIES_A_DAY).study_date
    return f"{first}-{study.study_date}"


ASKS = (
    Ask("the start page", lambda study: ""),
    Ask("PatientID", lambda study: f"00100020={study.patient_id}", aim=True),
    Ask("PatientID=*infix*", lambda study: f"00100020=*{study.patient_id[3:]}*"),
    Ask("AccessionNumber", lambda study: f"AccessionNumber={study.accession_number}"),
    Ask("StudyDate, a day", lambda study: f"StudyDate={study.study_date}", aim=True),
    Ask("StudyDate, 30 days", lambda study: f"StudyDate={_days(study, 30)}", aim=True),
    Ask("ModalitiesInStudy, common", lambda study: "ModalitiesInStudy=CT", aim=True),
    Ask("ModalitiesInStudy, rare", lambda study: f"ModalitiesInStudy={RARE}", aim=True),
    Ask("PatientName, prefix", lambda study: f"PatientName={study.family_name}*"),
    Ask("PatientName=*infix*, common", lambda study: "PatientName=*meier*"),
    Ask("PatientName=*infix*, rare", lambda study: f"PatientName=*{study.family_name[1:]}*"),
    Ask("PatientName, fuzzy", lambda study: f"PatientName={study.family_name}&fuzzymatching=true"),
    Ask("StudyDescription=*infix*", lambda study: "StudyDescription=*Knee*"),
    Ask(
        "ModalitiesInStudy and 30 days",
        lambda study: f"ModalitiesInStudy={study.modality}&StudyDate={_days(study, 30)}",
    ),
    Ask(
        "PatientName=*infix* and modality",
        lambda study: f"PatientName=*{study.family_name[1:]}*&ModalitiesInStudy=MR",
    ),
)


def measure(plan: Plan) -> Iterator[Line]:
    """For `make bench`, on SQLite: each request at the largest size beside the smallest."""
    sizes = plan.sizes.studies
    found = times(plan.place("growth"), sizes, 20 * plan.repeat, plan.say)
    for ask in ASKS:
        between: dict[str, object] = {
            f"p95_of_{size}": p95(found[ask.name, size]) for size in sizes
        }
        yield Line(
            f"QIDO-RS by {ask.name}: p95 of {sizes[-1]:,}",
            [p95(found[ask.name, sizes[-1]])],
            [p95(found[ask.name, sizes[0]])],
            aim="0.5 x" if ask.aim else "",
            unit="ms",
            against=f"of {sizes[0]:,}",
            detail=between,
        )


def times(
    folder: Path,
    sizes: Iterable[int],
    requests: int,
    say: Say,
    new_database: Callable[[], str] | None = None,
) -> dict[tuple[str, int], list[float]]:
    """Milliseconds of each request, by its name and the number of studies.

    new_database: gives the URL of an empty one for each size; without it SQLite is measured.
    """
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    with ExitStack() as stack:
        roots = {}
        for size in sizes:
            say(f"making {size:,} studies")
            place = folder / str(size)
            place.mkdir(parents=True)
            gateway = Gateway(place, new_database() if new_database else None)
            stack.callback(gateway.close)
            fill(gateway.database, size)
            roots[size] = stack.enter_context(gateway.serving())
        http = stack.enter_context(httpx.Client(timeout=60))
        for ask in ASKS:
            say(f"searching by {ask.name}")
            # In turn, so that whatever else the machine does falls on all of them.
            for _, (size, root) in product(range(requests), roots.items()):
                found[ask.name, size].append(_milliseconds(http, root, ask, size))
    return found


def p95(milliseconds: list[float]) -> float:
    return quantiles(milliseconds, n=20)[-1] if len(milliseconds) > 1 else milliseconds[0]


def _milliseconds(http: httpx.Client, root: str, ask: Ask, size: int) -> float:
    query = ask.query(Study(_CHANCE.randrange(size)))
    fields = _FIELDS.replace("fuzzymatching=false&", "") if "fuzzy" in query else _FIELDS
    started = time.perf_counter()
    reply = http.get(f"{root}/dicom-web/studies?{fields}&{query}".rstrip("&"))
    elapsed = time.perf_counter() - started
    assert reply.status_code == 200, reply.text[:300]
    return elapsed * 1000


def fill(database: Database, size: int) -> None:
    """Rows of so many studies, in an empty migrated database. Indexes are made afterwards."""
    engine = database.engine
    if database.is_sqlite:
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
            connection.exec_driver_sql(f"PRAGMA cache_size=-{_CACHE_KIB}")
            connection.exec_driver_sql("BEGIN")
            _fill(connection, size)
            connection.commit()
            connection.invalidate()  # with what was set for it
    else:
        with engine.begin() as connection:
            _fill(connection, size)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _fill(connection: Connection, size: int) -> None:
    again = list(_without_indexes(connection))
    for start in range(0, size, _AT_ONCE):
        studies = [Study(number) for number in range(start, min(start + _AT_ONCE, size))]
        _insert(connection, "studies", (study.row() for study in studies))
        _insert(connection, "study_values", (row for one in studies for row in one.value_rows()))
        if size <= MOST_WITH_SERIES:
            _insert(connection, "series", (row for one in studies for row in one.series_rows()))
    for statement in again:
        connection.exec_driver_sql(statement)


def _insert(connection: Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """By each driver's fastest way."""
    first, *rest = rows
    columns = ", ".join(first)
    values = [tuple(row.values()) for row in (first, *rest)]
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(first))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608
        connection.exec_driver_sql(statement, values)
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in values:
            copy.write_row(row)


def _without_indexes(connection: Connection) -> Iterator[str]:
    """Drops the indexes and triggers that fill up row by row; gives what makes them again."""
    is_sqlite = connection.dialect.name == "sqlite"
    query = _MADE_IN_SQLITE if is_sqlite else _MADE_IN_POSTGRESQL
    for kind, name, statement in connection.exec_driver_sql(query).all():
        connection.exec_driver_sql(f"DROP {kind} {name}")
        yield statement
    yield from _PARTS_OF_TEXTS if is_sqlite else ()


_MADE_IN_SQLITE = """
    SELECT type, name, sql FROM sqlite_master
    WHERE sql IS NOT NULL AND type IN ('trigger', 'index')
    AND tbl_name IN ('studies', 'study_values')
"""
_MADE_IN_POSTGRESQL = """
    SELECT 'index', indexname, indexdef FROM pg_indexes
    WHERE tablename IN ('studies', 'study_values') AND indexname NOT LIKE '%%_pkey'
"""
_PARTS_OF_TEXTS = (
    "INSERT INTO study_numbers (study_instance_uid) SELECT study_instance_uid FROM studies",
    """
    INSERT INTO study_texts (rowid, patient_name, patient_id, accession_number, study_description)
    SELECT number, patient_name, patient_id, accession_number, study_description
    FROM studies NATURAL JOIN study_numbers
    """,
)


def _table(found: dict[tuple[str, int], list[float]], sizes: list[int]) -> Table:
    shown = Table("p95, ms", *(f"{size:,}" for size in sizes), "growth", "aim")
    for ask in ASKS:
        values = [p95(found[ask.name, size]) for size in sizes]
        growth = values[-1] / values[0]
        aim = ("met" if growth < 2 else "missed") if ask.aim else ""
        shown.add_row(ask.name, *(f"{value:.1f}" for value in values), f"{growth:.2f} x", aim)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.search_growth")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="studies in the last step")
    parser.add_argument("--requests", type=int, default=100, help="of each kind, at each size")
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    options = parser.parse_args()
    sizes = [size for size in SIZES if size <= options.most] or [options.most]
    console = Console()
    with tempfile.TemporaryDirectory(prefix="airgate-bench-") as folder:
        server = PostgreSQL() if options.postgresql else None
        try:
            new_database = server.new_database if server else None
            with console.status("search growth") as status:
                found = times(Path(folder), sizes, options.requests, status.update, new_database)
        finally:
            if server:
                server.stop()
    console.print(_table(found, sizes))


if __name__ == "__main__":
    main()

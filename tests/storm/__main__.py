"""`python -m tests.storm --studies 200 --kills 200 --database sqlite|postgresql`: a kill storm."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql import PostgreSQL
from tests.storm.report import Report
from tests.storm.storm import Storm


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1, help="of what is killed, and when")
    parser.add_argument("--keep", type=Path, help="folder for data and logs, to look at afterwards")
    chosen = parser.parse_args()
    with _folder(chosen.keep) as folder, _database(chosen.database) as url:
        storm = Storm(folder, chosen.studies, chosen.kills, url, chosen.seed, _say)
        report: Report = storm.run()
    print(f"{chosen.database}: {report}")
    return 0 if report.is_good else 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="airgate-storm-") as folder:
        yield Path(folder)


@contextmanager
def _database(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        yield ""
        return
    server = PostgreSQL()
    try:
        yield server.new_database()
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())

"""`make bench`: figures side by side in one run, medians of several, never a pass or a fail.

Rivals: a naive script for the orchestration, Orthanc's DICOMweb plug-in for the web services.
"""

import argparse
import json
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import orchestration, web
from tests.bench.report import Line
from tests.phantom import chest_phantom

REPORT = Path("bench-report")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each measurement")
    parser.add_argument("--slices", type=int, default=300, help="CT slices of 0.5 MB")
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        series = Path(folder) / "series"
        with console.status(f"making a chest CT of {options.slices} slices"):
            spacing = 320.0 / options.slices
            chest_phantom(slices=options.slices, slice_spacing=spacing, matrix=512, noise=15).write(
                series
            )
        lines: list[Line] = []
        for part in (orchestration, web):
            with console.status(f"measuring {part.TITLE}"):
                lines += part.measure(Path(folder), series, options.repeat)
    _print(console, lines, options.slices, options.repeat)


def _print(console: Console, lines: list[Line], slices: int, repeat: int) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    table = Table("work", "Airgate", "rival", "ratio", "aim")
    for line in lines:
        table.add_row(line.work, line.ours_told, line.rival_told, line.ratio_told, line.aim)
    console.print(f"{slices} CT slices of 512 x 512; medians of {repeat}; {now}")
    console.print(table)
    REPORT.mkdir(exist_ok=True)
    content = {
        "at": now,
        "machine": platform.platform(),
        "python": platform.python_version(),
        "lines": [line.as_dict() for line in lines],
    }
    (REPORT / "bench.json").write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()

"""`make bench`: figures side by side in one run, medians of several, never a pass or a fail.

Rivals: Orthanc's DICOMweb plug-in for the web services, a naive script for the orchestration.

    python -m tests.bench                    # every piece, about 40 minutes
    python -m tests.bench stow frames        # only these
    python -m tests.bench --quick            # tiny data: does the bench itself work?
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tests.bench import (
    completion,
    cuda,
    frames,
    huge,
    models,
    multiframe,
    orchestration,
    pixels,
    search_growth,
    series,
    stow,
    take_over,
    viewer,
    workers,
)
from tests.bench.plan import FULL, QUICK, Plan, Sizes
from tests.bench.report import Line, markdown, table
from tests.bench.rival import PlugIn

REPORT = Path("bench-report")
WIDTH = 80
PIECES: dict[str, Callable[[Plan], Iterable[Line]]] = {
    "stow": stow.measure,
    "series": series.measure,
    "frames": frames.measure,
    "multiframe": multiframe.measure,
    "huge": huge.measure,
    "search": search_growth.measure,
    "viewer": viewer.measure,
    "pixels": pixels.measure,
    "orchestration": orchestration.measure,
    "completion": completion.measure,
    "workers": workers.measure,
    "take-over": take_over.measure,
    "models": models.measure,
    "cuda": cuda.measure,
}


def main() -> None:
    options = _options()
    console = Console(width=None if Console().width < WIDTH else WIDTH)
    sizes = QUICK if options.quick else FULL
    names = options.pieces or list(PIECES)
    with tempfile.TemporaryDirectory(prefix="airgate-bench-", dir=options.folder) as folder:
        facts = _facts(Path(folder), options.repeat, sizes)
        lines: list[Line] = []
        for name in names:
            lines += _piece(console, name, Path(folder), options.repeat, sizes)
            _write(facts, names, lines)
    console.print(_story(facts))
    console.print(f"written to {REPORT}/bench.md and {REPORT}/bench.json")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pieces", nargs="*", metavar="piece", help=", ".join(PIECES))
    parser.add_argument("--repeat", type=int, default=5, help="runs of each measurement")
    parser.add_argument("--quick", action="store_true", help="tiny data; the figures mean nothing")
    parser.add_argument("--folder", type=Path, help="where to put data, some GB; default: /tmp")
    options = parser.parse_args()
    if unknown := set(options.pieces) - set(PIECES):
        parser.error(f"no piece {', '.join(sorted(unknown))}; there are {', '.join(PIECES)}")
    return options


def _piece(console: Console, name: str, folder: Path, repeat: int, sizes: Sizes) -> list[Line]:
    with console.status(name) as status:
        plan = Plan(folder, repeat, sizes, lambda text: status.update(f"{name}: {text}"))
        lines = list(PIECES[name](plan))
    console.print(table(lines))
    return lines


def _facts(folder: Path, repeat: int, sizes: Sizes) -> dict[str, object]:
    """What a reader must know to compare the figures with others."""
    with PlugIn(folder / "version") as plug_in:
        rival = plug_in.version()
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "load before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "rival": rival,
        "runs": repeat,
        "data": "tiny, the figures mean nothing" if sizes is QUICK else "full",
    }


def _story(facts: dict[str, object]) -> str:
    return "; ".join(f"{name}: {fact}" for name, fact in facts.items())


def _write(facts: dict[str, object], pieces: list[str], lines: list[Line]) -> None:
    REPORT.mkdir(exist_ok=True)
    content = {**facts, "pieces": pieces, "lines": [line.as_dict() for line in lines]}
    (REPORT / "bench.json").write_text(json.dumps(content, indent=2))
    (REPORT / "bench.md").write_text(f"{_story(facts)}\n\n{markdown(lines)}\n")


if __name__ == "__main__":
    main()

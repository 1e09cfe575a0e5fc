"""`airgate models check`: the report of a check on the terminal, or as JSON."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from gateway.model_check.check import check


def print_check(folder: Path, samples: Sequence[Path], *, as_json: bool) -> int:
    """Exit status 0: the gateway would take the model; 1: something is to be mended."""
    console = Console(highlight=False)
    if not as_json:
        Console(stderr=True).print(f"checking {folder}, which may take a minute", style="dim")
    report = check(folder, samples)
    if as_json:
        print(report.json())
    else:
        report.print(console)
    return 0 if report.passed else 1

"""`airgate batch` and `airgate batches`: order batches, watch them, steer them."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from gateway.client import Client
from gateway.settings import Settings

LOOK_SECONDS = 1.0
PAGE = 1000
OPEN = ("waiting", "queued", "running")
GOOD = ("done", "done_with_warnings", "no_result")


def run(  # noqa: PLR0913 (the options of the command)
    settings: Settings, model: str, csv: Path, *, version: str | None, stage: str, wait: bool
) -> int:
    """Exit status 0: every line gave a result, or the model had nothing to say; else 1."""
    client, console = Client(settings), Console(markup=False, highlight=False)
    asked = {"model": model, "stage": stage} | ({"version": version} if version else {})
    path = f"/api/v1/batches?{urlencode(asked)}"
    batch = client.post(path, csv.read_bytes(), "text/csv")
    console.print(f"batch {batch['id']}: {batch['lines']} lines")
    if batch["duplicates"]:
        console.print(f"{batch['duplicates']} entries were there before and are left out")
    if not wait:
        return 0
    batch = _watch(client, console, batch)
    console.print(_said(batch["fates"]))
    return 0 if set(batch["fates"]) <= set(GOOD) else 1


def show(settings: Settings, identifier: str) -> None:
    client = Client(settings)
    table = Table("line", "study or accession number", "fate", "reason")
    for line in _lines(client, identifier):
        table.add_row(str(line["number"]), line["wanted"], line["fate"], line["reason"])
    Console(markup=False, highlight=False).print(table)


def change(settings: Settings, identifier: str, what: str) -> None:
    batch = Client(settings).order(f"/api/v1/batches/{identifier}/{what}")
    told = f"batch {batch['id']} is {batch['state']}: {_said(batch['fates'])}"
    Console(markup=False, highlight=False).print(told)


def delete(settings: Settings, identifier: str) -> None:
    Client(settings).delete(f"/api/v1/batches/{identifier}")
    Console(markup=False, highlight=False).print(f"batch {identifier} is deleted")


def print_batches(settings: Settings) -> None:
    table = Table("batch", "model", "stage", "state", "done", "lines")
    for one in Client(settings).json("/api/v1/batches"):
        model = f"{one['model_name']} {one['model_version']}"
        row = (one["id"], model, one["stage"], one["state"], f"{one['percent']} %")
        table.add_row(*row, _said(one["fates"]))
    Console(markup=False, highlight=False).print(table)


def _watch(client: Client, console: Console, batch: dict[str, Any]) -> dict[str, Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(batch["model_name"], total=batch["lines"])
        while batch["state"] in ("RUNNING", "PAUSED"):
            time.sleep(LOOK_SECONDS)
            batch = client.json(f"/api/v1/batches/{batch['id']}")
            left = sum(batch["fates"].get(fate, 0) for fate in OPEN)
            progress.update(task, completed=batch["lines"] - left)
    return batch


def _lines(client: Client, identifier: str) -> Iterator[dict[str, Any]]:
    offset = 0
    path = f"/api/v1/batches/{identifier}/lines"
    while page := client.json(f"{path}?limit={PAGE}&offset={offset}"):
        yield from page
        offset += len(page)


def _said(fates: dict[str, int]) -> str:
    return ", ".join(f"{fate.replace('_', ' ')} {count}" for fate, count in sorted(fates.items()))

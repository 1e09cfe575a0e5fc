"""`airgate models`: register models with the running gateway, move, try and watch them."""

import hashlib
import json
import time
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from gateway.client import Client
from gateway.settings import Settings

MODELS = "/api/v1/models"
ARCHIVES = {".zip": "application/zip", ".tgz": "application/gzip", ".gz": "application/gzip"}
LOOK_SECONDS = 0.5
GOOD = ("DONE", "DONE_WITH_WARNINGS", "NO_RESULT")


def print_models(settings: Settings) -> None:
    table = Table("model", "version", "stage", "registered (UTC)", "build")
    for one in Client(settings).json(MODELS):
        registered = _moment(one["registered_at"])
        table.add_row(one["name"], one["version"], one["stage"], registered, one["digest"][:12])
    _console().print(table)


def show(settings: Settings, name: str, version: str | None) -> None:
    """The card of a version in short, and its history."""
    client = Client(settings)
    model = _version(client, name, version)
    card, console = model["card"], _console()
    told = Table.grid("", "", padding=(0, 2))
    for title, value in (
        ("model", f"{model['name']} {model['version']}: {card['title']}"),
        ("stage", model["stage"]),
        ("description", card["description"]),
        ("intended use", card["intended_use"]),
        ("limits", "\n".join(card["limits"])),
        ("manufacturer", card["manufacturer"]),
        ("license", card["license"]),
        ("contact", card["contact"]),
        ("runtime", card["runtime"]["kind"]),
        ("inputs", "\n".join(_input(one) for one in card["inputs"])),
        ("build", model["digest"]),
        ("Device UID", model["device_uid"]),
    ):
        if value:
            told.add_row(title, value)
    console.print(told)
    history = Table("when (UTC)", "stage", "by", "note")
    for one in client.json(f"{_path(model)}/history"):
        moved = f"{one['found']} → {one['stage']}" if one["found"] else one["stage"]
        history.add_row(_moment(one["at"]), moved, one["changed_by"], one["note"])
    console.print(history)


def register(settings: Settings, source: Path, card: Path | None) -> None:
    """A card alone, an archive, or any file with its card."""
    client = Client(settings)
    if source.suffix == ".toml":
        model = client.post(MODELS, _card(source), "application/json")
    else:
        with source.open("rb") as file:
            query = {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}
            file.seek(0)
            if card is None:
                kind = ARCHIVES.get(source.suffix, "application/zip")
                model = client.upload(MODELS, query, content=file, headers={"Content-Type": kind})
            else:
                form = {"card": _card(card).decode()}
                model = client.upload(MODELS, query, data=form, files={"file": (source.name, file)})
    build = model["digest"][:12]
    told = f"registered {model['name']} {model['version']}, build {build}, stage {model['stage']}"
    _console().print(told)


def move(
    settings: Settings, name: str, version: str | None, what: str, order: Mapping[str, str]
) -> None:
    """Promote, retire or roll back. order: the body, what is empty left out."""
    path = f"{MODELS}/{name}/{version}/{what}" if version else f"{MODELS}/{name}/{what}"
    body = json.dumps({key: value for key, value in order.items() if value}).encode()
    model = Client(settings).post(path, body, "application/json")
    _console().print(f"{model['name']} {model['version']} is {model['stage']}")
    if stranded := model.get("stranded"):
        _console().print(
            f"warning: {', '.join(stranded)} take(s) findings that no live version of "
            f"{model['name']} gives now; promote one, or retire what takes them"
        )


def delete(settings: Settings, name: str, version: str) -> None:
    Client(settings).delete(f"{MODELS}/{name}/{version}")
    _console().print(f"{name} {version} is deleted")


def try_out(  # noqa: PLR0913 (the options of the command)
    settings: Settings,
    name: str,
    study: str,
    *,
    version: str | None,
    series: Sequence[str],
    out: Path | None,
) -> int:
    """Exit status 0: it gave a result, or had nothing to say; else 1."""
    client, console = Client(settings), _console()
    path = _path(_version(client, name, version))
    order = {"study_instance_uid": study, "series_instance_uids": series}
    tried = client.post(f"{path}/try", json.dumps(order).encode(), "application/json")
    where = f"{path}/tries/{tried['workitem_uid']}"
    with console.status("") as status:
        while not tried["outcome"]:
            status.update(f"{tried['procedure_step_state'].lower()}, {tried['progress']} %")
            time.sleep(LOOK_SECONDS)
            tried = client.json(where)
    console.print(f"{tried['outcome']}{': ' if tried['reason'] else ''}{tried['reason']}")
    _print_result(console, tried)
    if out is not None:
        _save(client, console, tried["result"] or {}, out)
    return 0 if tried["outcome"] in GOOD else 1


def print_usage(settings: Settings, name: str, version: str | None, days: float) -> None:
    client, console = Client(settings), _console()
    model = _version(client, name, version)
    found = client.json(f"{_path(model)}/usage?days={days:g}")
    console.print(f"{model['name']} {model['version']}, {model['stage']}, last {days:g} days")
    for title, counts in (("clinical", found["live"]), ("in shadow", found["shadow"])):
        told = ", ".join(f"{outcome} {count}" for outcome, count in sorted(counts.items()))
        console.print(f"{title}: {told or 'none'}")
    console.print(f"tries: {found['tries']}, unfinished: {found['unfinished']}")
    if found["last_ended_at"]:
        console.print(f"last ended {_moment(found['last_ended_at'])} UTC")
    table = Table("step", "runs", "median s", "95 % s")
    for one in found["spreads"]:
        row = (str(one["runs"]), f"{one['median']:.2f}", f"{one['p95']:.2f}")
        table.add_row(one["step"], *row)
    if found["spreads"]:
        console.print(table)


def _print_result(console: Console, tried: dict[str, Any]) -> None:
    result = tried["result"] or {}
    measured = Table("site", "measurement", "value", "unit")
    for one in result.get("measurements", ()):
        kind = f"{one['derivation']} " if one["derivation"] else ""
        row = (f"{kind}{one['concept']}", f"{one['value']:g}", one["unit"])
        measured.add_row(one["site"] or "", *row)
    steps = Table("step", "seconds")
    for one in tried["steps"]:
        steps.add_row(one["name"], f"{one['seconds']:.3f}")
    for table in (measured, steps):
        if table.row_count:
            console.print(table)
    for text in result.get("warnings", ()):
        console.print(f"warning: {text}")
    kinds = ", ".join(one["kind"] for one in result.get("objects", ()))
    if kinds:
        console.print(f"objects, kept apart from the study: {kinds}")


def _save(client: Client, console: Console, result: dict[str, Any], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(result.get("objects", ()), start=1):
        path = out / f"{number}-{one['kind'].lower()}.dcm"
        path.write_bytes(client.get(one["url"]).content)
        console.print(f"wrote {path}", soft_wrap=True)


def _version(client: Client, name: str, version: str | None) -> dict[str, Any]:
    """The one that is named; else the live one or, where none is live, the newest."""
    if version is not None:
        return client.json(f"{MODELS}/{name}/{version}")
    versions = client.json(f"{MODELS}/{name}")
    return next((one for one in versions if one["stage"] == "live"), versions[0])


def _path(model: dict[str, Any]) -> str:
    return f"{MODELS}/{model['name']}/{model['version']}"


def _card(path: Path) -> bytes:
    """Of TOML or JSON, as JSON."""
    text = path.read_text("utf-8")
    return (json.dumps(tomllib.loads(text)) if path.suffix == ".toml" else text).encode()


def _input(one: dict[str, Any]) -> str:
    told = [one["name"], ", ".join(one["modality"]) or "any modality"]
    told += [word for word in ("optional", "prior") if one[word]]
    return ", ".join(told)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _console() -> Console:
    return Console(markup=False, highlight=False)

"""`airgate models`, `workitems`: what the running gateway knows, as tables."""

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gateway.client import Client
from gateway.settings import Settings


def print_models(settings: Settings) -> None:
    table = Table("model", "version", "stage", "build")
    for one in Client(settings).json("/api/v1/models"):
        table.add_row(one["name"], one["version"], one["stage"], one["digest"][:12])
    Console(markup=False, highlight=False).print(table)


def register_model(settings: Settings, source: Path) -> None:
    client = Client(settings)
    if source.suffix == ".toml":
        card = json.dumps(tomllib.loads(source.read_text("utf-8"))).encode()
        model = client.post("/api/v1/models", card, "application/json")
    else:
        model = client.post("/api/v1/models", source.read_bytes(), "application/zip")
    Console(markup=False, highlight=False).print(
        f"registered {model['name']} {model['version']}, build {model['digest'][:12]}"
    )


def print_workitems(settings: Settings, *, dead: bool) -> None:
    table = Table("created (UTC)", "UID", "model", "state", "outcome", "reason")
    for one in Client(settings).json(f"/api/v1/workitems?dead={str(dead).lower()}"):
        created = datetime.fromtimestamp(one["created_at"], UTC).strftime("%m-%d %H:%M:%S")
        model = f"{one['model_name']} {one['model_version']}"
        state, uid = one["procedure_step_state"], one["workitem_uid"]
        table.add_row(created, uid, model, state, one["outcome"], one["reason"])
    Console(markup=False, highlight=False).print(table)


def cancel_workitem(settings: Settings, uid: str, reason: str) -> None:
    """UPS-RS Request Cancellation (PS3.18 11.8)."""
    told = {"00741238": {"vr": "LT", "Value": [reason]}} if reason else {}
    path = f"/dicom-web/workitems/{uid}/cancelrequest"
    Client(settings).send(path, json.dumps([told]).encode(), "application/dicom+json")
    Console(markup=False, highlight=False).print(f"asked for workitem {uid} to be canceled")


def replay_workitem(settings: Settings, uid: str) -> None:
    again = Client(settings).post(f"/api/v1/workitems/{uid}/replay", b"", "application/json")
    Console(markup=False, highlight=False).print(f"ordered again as {again['workitem_uid']}")

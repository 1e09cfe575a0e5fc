"""`airgate workitems`: the worklist of the running gateway, as a table."""

import json
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from gateway.client import Client
from gateway.settings import Settings


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

"""The trace: every kind of event is described, pages join without a gap, progress is told."""

import ast
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway import worklist
from gateway.app import create_app
from gateway.services import Services
from gateway.store.event_kinds import FIELDS, KINDS
from gateway.store.events import note
from gateway.store.tables import EventRow, StudyRow, WorkitemRow
from gateway.ups import rows
from standards import ups
from tests.gateway.console_example import STUDY, study_row

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-tests"


def kinds_noted() -> set[str]:
    """What stands literally as the kind in calls of `note`."""
    found = set()
    for path in (ROOT / "gateway").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "note":
                kind = call.args[2]
                if isinstance(kind, ast.Constant):
                    found.add(kind.value)
    return found


def test_every_kind_that_is_noted_is_described():
    noted = kinds_noted()
    assert "received" in noted
    assert noted <= set(KINDS)


def test_every_field_is_described_and_the_document_lists_them_all():
    document = (ROOT / "docs" / "trace.md").read_text("utf-8")
    assert {name for kind in KINDS.values() for name in kind.fields} <= set(FIELDS)
    for name, kind in KINDS.items():
        fields = ", ".join(f"`{one}`" for one in kind.fields)
        assert f"| `{name}` | {kind.meaning} | {fields} |" in document
    for name, meaning in FIELDS.items():
        assert f"| `{name}` | {meaning} |" in document


@pytest.fixture
def client(parts: Services):
    with TestClient(
        create_app(parts, TOKEN), headers={"Authorization": f"Bearer {TOKEN}"}
    ) as client:
        yield client


def test_pages_of_a_trace_join_without_a_gap(client, parts):
    with parts.database.write() as session:
        session.add(study_row(STUDY, "Example^Anna", 100.0))
        for number in range(7):
            note(session, STUDY, "step", {"name": f"{number}"})
    path, after, told = f"/api/v1/studies/{STUDY}/trace", 0, []
    while after is not None:
        page = client.get(path, params={"after": after, "limit": 3}).json()
        told += [event["detail"]["name"] for event in page["events"]]
        after = page["next"]
    assert told == [f"{number}" for number in range(7)]
    assert page["study"]["state"] == "COMPLETE"
    assert "Anna" not in json.dumps(page)


@pytest.mark.parametrize("query", ["after=-1", "limit=0", "limit=100000", "after=x"])
def test_pages_that_cannot_be_are_refused(client, query):
    assert client.get(f"/api/v1/studies/{STUDY}/trace?{query}").status_code == 422


def test_progress_stands_in_the_row_the_data_set_and_the_trace(database):
    with database.write() as session:
        row = WorkitemRow(
            sop_instance_uid="2.25.1",
            study_instance_uid=STUDY,
            series_instance_uid="1.2.3",
            model_name="m",
            model_version="1",
            model_digest="",
            transaction_uid="2.25.9",
            created_at=1.0,
        )
        rows.add(session, row, ups.claimed({}, datetime.now(UTC)))
    with database.write() as session:
        worklist.progress(session, row, 43)
    with database.write() as session:
        session.get_one(WorkitemRow, "2.25.1").transaction_uid = "2.25.10"
    with database.write() as session:
        worklist.progress(session, row, 50)  # its claim is lost: nobody is told

    with database.read() as session:
        assert [json.loads(one.detail) for one in session.query(EventRow)] == [{"percent": 43}]
        found = session.get_one(WorkitemRow, "2.25.1")
        assert found.progress == 43
        (item,) = rows.step_of(found)["00741002"]["Value"]
    assert item["00741004"]["Value"] == [43]


def test_a_study_that_is_not_known_has_no_trace(client, parts):
    assert client.get("/api/v1/studies/9.9/trace").status_code == 404
    with parts.database.read() as session:
        assert session.query(StudyRow).count() == 0

"""Deleting versions over HTTP, on both databases: which may go, and what goes with them."""

import time

import pytest
from sqlalchemy import select

from ai_models.bundled import bundled_models
from ai_models.card import Stage
from gateway import shadow
from gateway.models.tries import RULE as TRY
from gateway.outcomes import Outcome
from gateway.services import Services
from gateway.store.tables import ModelStageRow, ShadowObjectRow, WorkitemRow
from tests.gateway.models.example import NAME, add

MODELS = f"/api/v1/models/{NAME}"


def work(house: Services, uid: str, **changes) -> None:
    """Of version 1, ended without a result unless changed."""
    said = {
        "sop_instance_uid": uid,
        "study_instance_uid": "1.2",
        "series_instance_uid": "1.2.3",
        "model_name": NAME,
        "model_version": "1",
        "model_digest": "a build",
        "rule": "always",
        "procedure_step_state": "CANCELED",
        "outcome": Outcome.WITHDRAWN,
        "ended_at": time.time(),
        "dataset": "{}",
        "created_at": time.time(),
    }
    with house.database.write() as session:
        session.add(WorkitemRow(**(said | changes)))


@pytest.mark.parametrize("stage", [Stage.DRAFT, Stage.RETIRED])
def test_a_version_that_no_result_names_is_deleted_with_its_history(house, client, stage):
    add(house, "1", stage)
    add(house, "2", Stage.LIVE)
    work(house, "1.1")

    assert client.delete(f"{MODELS}/1").status_code == 204

    assert client.get(f"{MODELS}/1").status_code == 404
    assert client.delete(f"{MODELS}/1").status_code == 404
    assert [one["version"] for one in client.get(MODELS).json()] == ["2"]
    with house.database.read() as session:
        assert {row.version for row in session.scalars(select(ModelStageRow))} == {"2"}
    add(house, "1")  # and may come again


def test_what_its_tries_found_goes_with_it(house, client):
    add(house, "1")
    work(house, "1.1", rule=TRY, stage=shadow.SHADOW, outcome=Outcome.DONE, results="{}")
    with house.database.write() as session:
        session.add(ShadowObjectRow(sop_instance_uid="1.5", workitem_uid="1.1", content=b"x"))

    assert client.delete(f"{MODELS}/1").status_code == 204

    with house.database.read() as session:
        assert not session.scalars(select(ShadowObjectRow)).all()
        assert session.scalars(select(WorkitemRow.results)).all() == [""]


@pytest.mark.parametrize(
    ("stage", "changes", "told"),
    [
        (Stage.LIVE, None, "retire it first"),
        (Stage.SHADOW, None, "retire it first"),
        (Stage.RETIRED, {"outcome": Outcome.DONE}, "1 stored result"),
        (Stage.RETIRED, {"outcome": Outcome.FAILED, "results": "{}"}, "1 stored result"),
        (Stage.DRAFT, {"outcome": "", "ended_at": None}, "not ended"),
    ],
)
def test_what_stands_against_it_is_told(house, client, stage, changes, told):
    add(house, "1", stage)
    if changes is not None:
        work(house, "1.1", **changes)
    reply = client.delete(f"{MODELS}/1")
    assert (reply.status_code, told in reply.json()["detail"]) == (409, True)
    assert client.get(f"{MODELS}/1").status_code == 200


def test_what_comes_with_the_program_stays(house, client):
    house.registry.add_bundled()
    card = next(iter(bundled_models().values()))
    path = f"/api/v1/models/{card.name}/{card.version}"
    if client.get(path).json()["stage"] != Stage.DRAFT:
        client.post(f"{path}/retire")
    assert "comes with the program" in client.delete(path).json()["detail"]

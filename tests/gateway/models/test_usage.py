"""Usage figures of a version, on both databases."""

import time

import pytest

from ai_models.card import Stage
from gateway.models.usage import Spread
from gateway.services import Services
from gateway.store.events import note
from gateway.store.tables import WorkitemRow
from tests.gateway.models.example import NAME, add

USAGE = f"/api/v1/models/{NAME}/1/usage"
DAY = 86_400.0


@pytest.fixture
def house(house) -> Services:
    add(house, "1", Stage.LIVE)
    return house


def worked(house: Services, number: int, seconds: float | None, **values) -> None:
    """A workitem that began two days ago, and the step `model` of so many seconds."""
    began = time.time() - values.pop("days", 2) * DAY
    row = WorkitemRow(
        sop_instance_uid=f"2.25.{number}",
        study_instance_uid="1.2",
        series_instance_uid="1.3",
        procedure_step_state="COMPLETED",
        model_name=NAME,
        model_version="1",
        model_digest="",
        dataset="{}",
        created_at=began - 1,
        started_at=began,
        ended_at=None if seconds is None else began + seconds + 1,
        **({"outcome": "DONE"} | values),
    )
    with house.database.write() as session:
        session.add(row)
        if seconds is not None:
            told = {"name": "model", "seconds": seconds}
            note(session, "1.2", "step", told, workitem_uid=row.sop_instance_uid)


def test_work_is_counted_by_stage_and_outcome_and_timed_by_step(house, client):
    for number in range(1, 21):
        worked(house, number, float(number))
    worked(house, 31, 5.0, outcome="FAILED")
    worked(house, 32, 5.0, stage="shadow")
    worked(house, 33, 5.0, stage="shadow", rule="(try)")
    worked(house, 34, 5.0, days=40)
    worked(house, 36, None, outcome="")

    found = client.get(USAGE).json()
    assert (found["live"], found["shadow"]) == ({"DONE": 20, "FAILED": 1}, {"DONE": 1})
    assert (found["tries"], found["unfinished"], found["days"]) == (1, 1, 30)
    assert found["last_ended_at"] == pytest.approx(time.time() - 2 * DAY + 21, abs=60)
    spreads = {one.pop("step"): one for one in found["spreads"]}
    assert list(spreads) == ["wait for a worker", "model", "from claim to end"]
    assert spreads["model"] == {"runs": 22, "median": 9.5, "p95": 19.0}
    assert spreads["wait for a worker"]["median"] == pytest.approx(1, abs=1e-3)
    assert client.get(f"{USAGE}?days=60").json()["live"]["DONE"] == 21


def test_a_version_that_never_ran_has_no_times(house, client):
    found = client.get(USAGE).json()
    assert (found["live"], found["spreads"], found["last_ended_at"]) == ({}, [], None)
    assert client.get(f"/api/v1/models/{NAME}/2/usage").status_code == 404
    assert client.get(f"{USAGE}?days=0").status_code == 422


def test_the_percentile_is_one_of_the_values():
    assert Spread.of("model", [3.0]) == Spread("model", 1, 3.0, 3.0)
    assert Spread.of("model", [*map(float, range(1, 101))]).p95 == 95.0

"""What becomes of a chain when more of the study comes, when work is ordered again, or dies."""

import pytest
from sqlalchemy import select

from adapters.runtimes.errors import ModelCrashed, ModelFailed
from gateway.batches.feeder import Feeder
from gateway.pipeline import Pipeline
from gateway.store.tables import InstanceRow, KeptFindingsRow
from tests.gateway.chains.example import RULE, STUDY, House, house


@pytest.fixture
def chain(database, tmp_path) -> House:
    return house(database, tmp_path)


def test_more_of_the_study_runs_the_chain_anew_and_supersedes_what_was_published(chain):
    chain.completes()
    chain.works()
    chain.arrives(7)
    chain.completes()

    assert chain.works() == ["detector", "classifier", "reporter"]
    first, second = chain.rows("reporter")
    assert second.supersedes == first.sop_instance_uid
    (result,) = chain.results()
    assert result["workitem"]["uid"] == second.sop_instance_uid


def test_a_chain_that_is_not_indicated_any_more_takes_the_place_of_its_result(chain):
    chain.completes()
    chain.works()
    chain.arrives(7)
    chain.runtime.models["detector"].probability = 0.1
    chain.completes()
    chain.works()

    (result,) = chain.results()
    assert result["workitem"]["outcome"] == "NOT_INDICATED"


def test_more_of_the_study_ends_what_has_not_ended_of_the_earlier_chain(chain):
    chain.completes()
    chain.arrives(7)
    chain.completes()

    assert chain.works() == ["detector", "classifier", "reporter"]
    assert chain.outcomes() == {
        "detector": ["SUPERSEDED", "DONE"],
        "classifier": ["SUPERSEDED", "DONE"],
        "reporter": ["SUPERSEDED", "DONE"],
    }


def test_a_replay_of_the_earlier_work_takes_the_later_along(chain):
    failing, chain.runtime.models["detector"] = chain.runtime.models["detector"], ModelCrashed(11)
    chain.completes()
    chain.works()
    assert chain.row("reporter").outcome == "NOT_ATTEMPTED"
    chain.runtime.models["detector"] = failing
    uid = chain.row("detector").sop_instance_uid
    assert chain.client.post(f"/api/v1/workitems/{uid}/replay").status_code == 201

    assert chain.works() == ["detector", "classifier", "reporter"]
    assert {rows[-1] for rows in chain.outcomes().values()} == {"DONE"}
    assert [len(rows) for rows in chain.outcomes().values()] == [2, 2, 2]
    first, second = chain.rows("reporter")
    assert second.replay_of == first.sop_instance_uid
    refused = chain.client.post(f"/api/v1/workitems/{first.sop_instance_uid}/replay")
    assert refused.status_code == 409


def test_a_replay_of_the_last_work_takes_the_findings_that_are_there(chain):
    good, chain.runtime.models["reporter"] = chain.runtime.models["reporter"], ModelCrashed(11)
    chain.completes()
    chain.works()
    chain.runtime.models["reporter"] = good
    uid = chain.row("reporter").sop_instance_uid
    chain.client.post(f"/api/v1/workitems/{uid}/replay").raise_for_status()

    assert chain.works() == ["reporter"]
    assert chain.outcomes()["reporter"] == ["FAILED", "DONE"]


class Killed(BaseException):
    """The worker ends here."""


@pytest.mark.parametrize("where", ["predict", "publish", "afterwards"])
@pytest.mark.parametrize("model", ["detector", "reporter"])
def test_a_worker_that_is_killed_neither_loses_nor_doubles(chain, monkeypatch, model, where):
    chain.completes()
    publish = Pipeline._publish

    def dies(self, workitem, *rest):
        if workitem.model_name != model or where == "predict":
            return publish(self, workitem, *rest)
        if where == "afterwards":
            publish(self, workitem, *rest)
        raise Killed

    good = chain.runtime.models[model]
    if where == "predict":
        chain.runtime.models[model] = Killed()
    monkeypatch.setattr(Pipeline, "_publish", dies)
    with pytest.raises(Killed):
        chain.works()
    monkeypatch.undo()
    chain.runtime.models[model] = good
    row = chain.row(model)
    if not row.outcome:  # the engine gives its job to another worker
        chain.jobs.insert(0, chain.last)
    chain.works()

    assert {tuple(rows) for rows in chain.outcomes().values()} == {("DONE",)}
    with chain.parts.database.read() as session:
        uid = chain.row("reporter").sop_instance_uid
        made = session.scalars(select(InstanceRow).where(InstanceRow.created_by != "")).all()
        assert {one.created_by for one in made} == {uid}
        assert len(made) == 1  # the SR
        assert session.query(KeptFindingsRow).count() == 2


def test_a_batch_orders_the_chain_of_its_model_and_keeps_it_apart(chain):
    chain.client.delete(f"/api/v1/rules/{RULE}")
    chain.completes()
    order = {"model": "reporter", "studies": [STUDY]}
    batch = chain.client.post("/api/v1/batches", json=order).json()["id"]
    feeder = Feeder(chain.parts.database, chain.parts.registry, chain)
    feeder.sweep()

    assert chain.works() == ["detector", "classifier", "reporter"]
    feeder.sweep()
    (line,) = chain.client.get(f"/api/v1/batches/{batch}/lines").json()
    assert (line["fate"], chain.results()) == ("done", [])
    assert chain.client.delete(f"/api/v1/batches/{batch}").status_code == 204
    assert {rows[0] for rows in chain.outcomes().values()} == {"WITHDRAWN"}
    with chain.parts.database.read() as session:
        assert session.query(KeptFindingsRow).count() == 0


def test_a_model_that_fails_for_the_findings_ends_alone(chain):
    chain.runtime.models["classifier"] = ModelFailed("ValueError", "no such box")
    chain.completes()
    chain.works()

    assert chain.outcomes() == {
        "detector": ["DONE"],
        "classifier": ["FAILED"],
        "reporter": ["NOT_ATTEMPTED"],
    }

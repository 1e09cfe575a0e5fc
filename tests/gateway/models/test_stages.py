"""Stages of models over HTTP, on both databases: who moved what, and what runs then."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from starlette.testclient import TestClient

from ai_models.card import Stage
from gateway.services import Services
from gateway.store.database import Database
from gateway.store.migrate import MIGRATIONS, migrate
from tests.gateway.models.example import NAME, add

MODELS = f"/api/v1/models/{NAME}"


def stages_of(client: TestClient) -> dict[str, str]:
    return {one["version"]: one["stage"] for one in client.get(MODELS).json()}


def runnable(house: Services) -> str | None:
    with house.database.read() as session:
        versions = house.registry.runnable(session, NAME)
        return versions[0].card.version if versions else None


def test_a_version_goes_from_draft_by_shadow_to_live_and_each_step_is_kept_with_who_and_why(
    house, client
):
    add(house, "1")
    assert runnable(house) is None
    assert client.post(f"{MODELS}/1/promote").json()["stage"] == "shadow"
    reply = client.post(f"{MODELS}/1/promote", json={"note": "agreed with 200 readings"})
    assert reply.json()["stage"] == "live"
    assert runnable(house) == "1"

    changes = client.get(f"{MODELS}/1/history").json()
    assert [(one["found"], one["stage"], one["changed_by"], one["note"]) for one in changes] == [
        ("shadow", "live", "administrator", "agreed with 200 readings"),
        ("draft", "shadow", "administrator", ""),
        ("", "draft", "tester", ""),
    ]


@pytest.mark.parametrize("displaced", ["retired", "shadow"])
def test_one_version_is_live_and_the_former_one_goes_where_it_is_told(house, client, displaced):
    add(house, "1", Stage.LIVE)
    add(house, "2")
    order = {"to": "live", "displaced": displaced}
    assert client.post(f"{MODELS}/2/promote", json=order).status_code == 200

    assert stages_of(client) == {"1": displaced, "2": "live"}
    (change, _) = client.get(f"{MODELS}/1/history").json()
    assert change["note"] == "version 2 took its place"


def test_a_version_that_is_registered_as_live_takes_the_place_of_the_former_one(house, client):
    add(house, "1", Stage.LIVE)
    add(house, "2", Stage.LIVE)
    assert stages_of(client) == {"1": "retired", "2": "live"}


def test_rolling_back_makes_the_version_live_that_was_so_before(house, client):
    add(house, "1", Stage.LIVE)
    add(house, "2", Stage.SHADOW)
    add(house, "3", Stage.LIVE)

    reply = client.post(f"{MODELS}/roll-back", json={"note": "false alarms", "displaced": "shadow"})
    assert (reply.status_code, reply.json()["version"]) == (200, "1")
    assert stages_of(client) == {"1": "live", "2": "shadow", "3": "shadow"}
    assert client.post(f"{MODELS}/roll-back").json()["version"] == "3"  # and back again

    client.post(f"{MODELS}/3/retire")
    assert client.post(f"{MODELS}/roll-back").json()["version"] == "3"  # none was live since


def test_without_a_live_version_the_newest_in_shadow_is_what_a_rule_finds(house, client):
    add(house, "1", Stage.SHADOW)
    add(house, "2", Stage.SHADOW)
    assert runnable(house) == "2"
    client.post(f"{MODELS}/1/promote")
    assert runnable(house) == "1"


IMPOSSIBLE = (
    ("live/promote", {}, 409, "retire it, or roll back"),
    ("live/promote", {"to": "shadow"}, 409, "cannot go to shadow"),
    ("shadow/promote", {"to": "shadow"}, 409, "cannot go to shadow"),
    ("retired/retire", {}, 409, "promote it"),
    ("draft/promote", {"to": "draft"}, 422, "to"),
    ("draft/promote", {"displaced": "draft"}, 422, "displaced"),
    ("draft/promote", {"note": "x" * 1001}, 422, "note"),
    ("draft/retire", {"to": "shadow"}, 422, "to"),
    ("outside/promote", {"to": "shadow"}, 422, "runs outside"),
    ("unknown/promote", {}, 404, "copy unknown"),
    ("unknown/retire", {}, 404, "copy unknown"),
)


def test_impossible_moves_say_what_to_do_and_change_nothing(house, client):
    for stage in Stage:
        add(house, stage.value, stage)
    add(house, "outside", Stage.DRAFT, runtime={"kind": "ups"})
    before = stages_of(client)
    for path, body, status, told in IMPOSSIBLE:
        reply = client.post(f"{MODELS}/{path}", json=body)
        assert reply.status_code == status, (path, reply.text)
        assert told in reply.json()["detail"]
    assert stages_of(client) == before


def test_there_is_nothing_to_roll_back_to_before_a_second_version_was_live(house, client):
    add(house, "1", Stage.LIVE)
    reply = client.post(f"{MODELS}/roll-back")
    assert (reply.status_code, "promote the one" in reply.json()["detail"]) == (409, True)
    assert client.post("/api/v1/models/unknown/roll-back").status_code == 404


def test_of_promotions_at_once_one_version_ends_live(house, client):
    for number in range(6):
        add(house, str(number), Stage.SHADOW)
    with ThreadPoolExecutor(6) as pool:
        paths = [f"{MODELS}/{number}/promote" for number in range(6)]
        answers = list(pool.map(client.post, paths))
    assert {one.status_code for one in answers} == {200}
    assert sorted(stages_of(client).values()) == ["live"] + ["retired"] * 5


def test_users_may_look_and_only_administrators_move(house, client):
    add(house, "1")
    made = client.post("/api/v1/tokens", json={"name": "u", "role": "user"}).json()
    user = {"Authorization": f"Bearer {made['token']}"}
    assert client.get(f"{MODELS}/1/history", headers=user).status_code == 200
    for path in ("1/promote", "1/retire", "roll-back"):
        assert client.post(f"{MODELS}/{path}", headers=user).status_code == 403


def test_batches_run_what_their_stage_allows(house, client):
    def order(stage: str, **more) -> tuple[int, str]:
        body = {"model": NAME, "studies": ["1.2.3"], "stage": stage, **more}
        reply = client.post("/api/v1/batches", json=body)
        return reply.status_code, reply.json().get("model_version") or reply.json()["detail"]

    add(house, "1", Stage.SHADOW)
    add(house, "2", Stage.DRAFT)
    assert order("shadow") == (201, "1")
    status, told = order("study")
    assert (status, "1 is shadow" in told, "promote it first" in told) == (422, True, True)
    assert order("shadow", version="2")[0] == 422
    client.post(f"{MODELS}/2/promote", json={"to": "live"})
    assert (order("study"), order("shadow")) == ((201, "2"), (201, "2"))


def test_bundled_models_begin_live_but_not_where_people_took_them_out_of_use(house, client):
    house.registry.add_bundled()
    (model,) = client.get("/api/v1/models/lung_ct").json()
    assert model["stage"] == "live"
    path = f"/api/v1/models/lung_ct/{model['version']}"
    client.post(f"{path}/retire")
    house.registry.add_bundled()
    assert client.get(path).json()["stage"] == "retired"
    _rename_version(house.database, "0.9")  # as if this were an older program's

    house.registry.add_bundled()
    assert client.get(path).json()["stage"] == "draft"


def _rename_version(database: Database, version: str) -> None:
    with database.write() as session:
        session.execute(text("UPDATE models SET version = :version"), {"version": version})


def test_an_older_database_keeps_running_what_it_ran(house, client):
    """Then the newest enabled version ran: here 3, which its card puts into shadow."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    for version in "1245":
        add(house, version)
    add(house, "3", stage=Stage.DRAFT)
    with house.database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0016")
        connection.execute(text("UPDATE models SET enabled = (version != '5')"))
        shadow = "UPDATE models SET card = replace(card, 'live', 'shadow') WHERE version = '3'"
        connection.execute(text(shadow))
    migrate(house.database)
    assert stages_of(client) == {v: "retired" for v in "1245"} | {"3": "shadow"}

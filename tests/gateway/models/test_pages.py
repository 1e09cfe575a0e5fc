"""The pages of models: what they tell, and the buttons of administrators."""

import pytest
from starlette.testclient import TestClient

from ai_models.card import Stage
from gateway.services import Services
from tests.gateway.models.example import NAME, add
from tests.gateway.test_console import text_of

HOSTILE = "<script>alert('x')</script>"
PAGE = f"/ui/models/{NAME}"


@pytest.fixture
def house(parts: Services) -> Services:
    """One kind of database is enough for pages."""
    return parts


def stage_of(client: TestClient, version: str) -> str:
    return client.get(f"/api/v1/models/{NAME}/{version}").json()["stage"]


def test_the_buttons_move_a_version_and_the_page_tells_who_did_and_why(house, client):
    add(house, "1", Stage.LIVE)
    add(house, "2")
    page = client.get(f"{PAGE}/2").text
    assert "Version 1, which is live now" in page
    assert "Make it live" in page

    order = {"action": "live", "displaced": "shadow", "note": HOSTILE}
    moved = client.post(f"{PAGE}/2", data=order)
    assert (moved.status_code, moved.headers["location"]) == (303, f"{PAGE}/2")
    assert (stage_of(client, "1"), stage_of(client, "2")) == ("shadow", "live")
    page = client.get(f"{PAGE}/2").text
    assert HOSTILE not in page
    assert "draft → live administrator" in text_of(page).replace("&rarr;", "→")

    client.post(f"{PAGE}/2", data={"action": "roll back"})
    assert (stage_of(client, "1"), stage_of(client, "2")) == ("live", "retired")
    assert client.post(f"{PAGE}/1", data={"action": "retired"}).status_code == 303
    assert client.post(f"{PAGE}/1", data={"action": "shadow"}).status_code == 303
    assert stage_of(client, "1") == "shadow"


def test_a_draft_is_deleted_by_its_button_which_leads_back_to_the_list(house, client):
    add(house, "1")
    add(house, "2", Stage.LIVE)
    assert "Delete it" in client.get(f"{PAGE}/1").text
    assert "Delete it" not in client.get(f"{PAGE}/2").text

    deleted = client.post(f"{PAGE}/1", data={"action": "delete"})
    assert (deleted.status_code, deleted.headers["location"]) == (303, "/ui/models")
    assert client.get(f"{PAGE}/1").status_code == 404


@pytest.mark.parametrize(
    ("form", "status", "told"),
    [
        ({"action": "shadow"}, 409, "cannot go to shadow"),
        ({"action": "roll back"}, 409, "promote the one"),
        ({"action": "try", "study": "1.2.3"}, 404, "1.2.3"),
        ({"action": "delete"}, 409, "retire it first"),
        ({"action": "fly"}, 422, "load it again"),
        ({}, 422, "load it again"),
    ],
)
def test_what_cannot_be_done_is_told_on_the_page(house, client, form, status, told):
    add(house, "1", Stage.LIVE)
    page = client.post(f"{PAGE}/1", data=form)
    assert (page.status_code, told in text_of(page.text)) == (status, True), text_of(page.text)


def test_users_see_the_facts_and_no_buttons(house, client):
    add(house, "1", Stage.LIVE, limits=["Adults only"], contact="team@example.org")
    made = client.post("/api/v1/tokens", json={"name": "u", "role": "user"}).json()
    user = {"Authorization": f"Bearer {made['token']}"}
    page = client.get(f"{PAGE}/1", headers=user)
    shown = text_of(page.text)
    for told in ("Adults only", "team@example.org", "Time limit (s)", "Which series it takes"):
        assert told in shown
    assert "Inference" not in shown  # which is of networks, and this is a class
    assert "Try it" not in shown
    assert "Retire it" not in shown
    assert client.post(f"{PAGE}/1", data={"action": "retired"}, headers=user).status_code == 403
    assert stage_of(client, "1") == "live"


def test_a_version_that_is_not_registered_has_no_page(client):
    page = client.get(f"{PAGE}/9")
    assert (page.status_code, "No such model" in page.text) == (404, True)

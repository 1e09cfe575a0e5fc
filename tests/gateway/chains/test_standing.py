"""A model that another one stands on: it is not deleted from under it, and retiring it tells."""

import pytest

from ai_models.card import Stage
from tests.gateway.chains.example import House, boxes, card, house
from tests.gateway.test_console import text_of

MODELS = "/api/v1/models"
CLASSIFIER = f"{MODELS}/classifier/1"
DETECTOR = f"{MODELS}/detector/1"


@pytest.fixture
def chain(database, tmp_path) -> House:
    return house(database, tmp_path)


def test_retiring_the_live_version_tells_who_stood_on_it(chain):
    answer = chain.client.post(f"{DETECTOR}/retire").json()
    assert (answer["stage"], answer["stranded"]) == ("retired", ["classifier 1", "reporter 1"])

    assert chain.client.post(f"{MODELS}/reporter/1/retire").json()["stranded"] == []


def test_a_version_on_which_another_model_stands_alone_is_not_deleted(chain):
    chain.client.post(f"{DETECTOR}/retire")
    chain.client.post(f"{MODELS}/reporter/1/retire")

    refused = chain.client.delete(DETECTOR)
    assert refused.status_code == 409
    assert "classifier 1 take(s) findings that no other version" in refused.json()["detail"]

    chain.client.post(f"{CLASSIFIER}/retire")
    assert chain.client.delete(DETECTOR).status_code == 204


def test_another_version_that_gives_the_same_lets_it_go_and_an_older_one_does_not(chain):
    chain.register(card("reader", boxes(minimum_version="1")), Stage.DRAFT)
    chain.client.post(f"{DETECTOR}/retire")
    chain.register(card("detector", version="0.9"), Stage.DRAFT)
    assert "reader 1 take(s)" in chain.client.delete(DETECTOR).json()["detail"]

    chain.register(card("detector", version="1.1"), Stage.DRAFT)
    assert chain.client.delete(DETECTOR).status_code == 204


def test_the_page_of_a_model_shows_what_it_stands_on_and_what_stands_on_it(chain):
    page = chain.client.get("/ui/models/classifier/1").text
    series, of_chain = text_of(page).split("Which series it takes")[1].split("Chain", 1)
    assert "detector" not in series
    assert "Stands on detector" in of_chain
    assert "What stands on it Reporter 1" in of_chain

    assert "is live, so what takes" not in chain.client.get("/ui/models/detector/1").text
    chain.client.post(f"{DETECTOR}/retire")
    assert "No version of detector is live" in chain.client.get("/ui/models/detector/1").text

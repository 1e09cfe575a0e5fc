"""Chains that cannot work are refused and told why: cards when registered, rules when saved."""

import pytest

from ai_models.card import Stage
from tests.gateway.chains.example import BODIES, RULE, House, boxes, card, house


@pytest.fixture
def chain(sqlite, tmp_path) -> House:
    return house(sqlite, tmp_path)


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (card("reader", boxes(from_model="nobody")), "nobody, of which no version is registered"),
        (card("reader", boxes(minimum_version="1.1")), "older than minimum_version 1.1"),
        (card("detector", boxes(from_model="reporter"), version="2"), "which is a circle"),
        (card("reader", boxes(from_model="says", kinds=["heat-map"])), "but no heat-map, region"),
        (card("reader", boxes(from_model="vendor")), "runs outside"),
        (card("reader", boxes(from_model="flat")), "let both be of one kind"),
    ],
    ids=["unknown", "old", "circle", "kinds", "outside", "images"],
)
def test_a_card_whose_findings_nothing_can_give_is_refused(chain, refused, told):
    chain.register(card("says", gives=["measurement"]))
    chain.register(card("vendor", runtime={"kind": "ups"}))
    chain.register(card("flat", inputs=[{"kind": "images"}]))

    answer = chain.client.post("/api/v1/models", json=refused.model_dump(mode="json"))

    assert (answer.status_code, told in answer.text) == (422, True), answer.text


def test_a_rule_whose_chain_is_not_live_or_that_publishes_others_is_refused(chain):
    path = f"/api/v1/rules/{RULE}"
    wrong = chain.client.put(path, json={"name": RULE, "run": "reporter", "publish": ["detector"]})
    assert wrong.status_code == 422
    unknown = {"name": RULE, "run": "reporter", "publish": ["reporter", "other"]}
    assert "other, which its chain does not have" in chain.client.put(path, json=unknown).text
    chain.register(card("draft"), Stage.DRAFT)
    chain.register(card("reader", BODIES | {"from_model": "draft"}))
    refused = chain.client.put(path, json={"name": RULE, "run": "reader"})
    assert "of which no version is live" in refused.text

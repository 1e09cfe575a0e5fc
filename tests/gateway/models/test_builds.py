"""When two registrations are of the same build, where the card is all that is known of it."""

from ai_models.card import ModelCard
from tests.gateway.models.example import CARD

OUTSIDE = CARD | {"version": "1", "runtime": {"kind": "ups"}}


def register(house, **said) -> str:
    return house.registry.add_card(ModelCard.model_validate(OUTSIDE | said), "tester").digest


def test_a_card_that_spells_its_defaults_out_is_the_same_build(house):
    spelled_out = ModelCard.model_validate(OUTSIDE).model_dump(mode="json")

    assert register(house) == register(house, **spelled_out)


def test_a_card_that_says_something_else_is_another_build(house):
    first = register(house)

    assert first != register(house, version="2", limits=["not for children"])
    assert first != register(house, version="3", runtime={"kind": "ups", "worklist": "NIGHT"})

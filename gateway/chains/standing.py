"""Which cards stand on a model, and which of them nothing is left to stand on."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ai_models.card import ModelCard, Stage
from gateway.chains.cards import fault_between
from gateway.store.tables import ModelRow


def standing_on(session: Session, name: str) -> list[ModelCard]:
    """The versions in use of other models that take its findings, by name and age."""
    rows = session.scalars(
        select(ModelRow)
        .where(ModelRow.stage != Stage.RETIRED, ModelRow.name != name)
        .order_by(ModelRow.name, ModelRow.registered_at)
    )
    cards = (_card(row) for row in rows)
    return [card for card in cards if any(one.from_model == name for one in card.stands_on)]


def stranded_by_deleting(session: Session, row: ModelRow) -> list[str]:
    """Who stands on this version alone: no other one, of any stage, gives what they take."""
    others = select(ModelRow).where(ModelRow.name == row.name, ModelRow.version != row.version)
    return _stranded(session, row.name, session.scalars(others).all())


def stranded_now(session: Session, name: str) -> list[str]:
    """Who takes findings of a model of which no version that is live gives them."""
    live = select(ModelRow).where(ModelRow.name == name, ModelRow.stage == Stage.LIVE)
    return _stranded(session, name, session.scalars(live).all())


def _stranded(session: Session, name: str, left: Sequence[ModelRow]) -> list[str]:
    others = [_card(row) for row in left]
    return [
        f"{card.name} {card.version}"
        for card in standing_on(session, name)
        if any(
            all(fault_between(card, wanted, other) for other in others)
            for wanted in card.stands_on
            if wanted.from_model == name
        )
    ]


def _card(row: ModelRow) -> ModelCard:
    return ModelCard.model_validate_json(row.card)

"""What the pages of models show: cards made readable, stages, use."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydicom.uid import UID
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ai_models.card import OUTSIDE, ModelCard, Stage
from gateway.chains.standing import standing_on
from gateway.models import stages, tries
from gateway.models.usage import Usage, usage
from gateway.registry import RegisteredModel
from gateway.store.tables import ModelRow, ModelStageRow, WorkitemRow
from standards.uids import is_uid

USAGE_DAYS = 30
TRIES_SHOWN = 10
# Sections of the card that have a place of their own on the page; others follow as they are.
PLACED = frozenset(
    {
        "name",
        "version",
        "title",
        "description",
        "manufacturer",
        "intended_use",
        "license",
        "contact",
        "limits",
        "stage",
        "inputs",
    }
)

# What only networks have; other models answer with findings themselves.
OF_NETWORKS = frozenset({"channels", "preprocessing", "inference", "outputs"})

# What is not said well by its own name.
TITLES = {
    "runtime": "How it is run",
    "gate": "What is checked before it sees an image",
    "resources": "What it needs",
    "sop_class_uid": "SOP class",
    "maximum_slice_spacing_mm": "Maximum slice spacing (mm)",
    "maximum_slice_thickness_mm": "Maximum slice thickness (mm)",
    "maximum_age_days": "Maximum age (days)",
    "memory_mb": "Memory (MB)",
    "gpu_memory_mb": "GPU memory (MB)",
    "timeout_seconds": "Time limit (s)",
    "concurrency": "Workitems at once",
    "network": "Has the network",
}


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One version in the list. outcomes: of its work of the last days, clinical and in shadow."""

    model: RegisteredModel
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def path(self) -> str:
        return f"/ui/models/{self.model.card.name}/{self.model.card.version}"


@dataclass(frozen=True, slots=True)
class ModelPage:
    """moves: stages to which it may go. live: version of the model that is live, or "".

    others: its other versions, the newest first. stood_on_by: cards in use that take findings of
    the model; inputs, stands_on: its own inputs, series and findings.
    """

    line: ModelLine
    live: str
    others: Sequence[str]
    moves: tuple[Stage, ...]
    stood_on_by: Sequence[ModelCard]
    inputs: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    stands_on: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    sections: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    history: Sequence[ModelStageRow]
    usage: Usage
    tries: Sequence[WorkitemRow]


def registered_models(session: Session) -> list[ModelLine]:
    """Every version of every model, the newest of each first."""
    outcomes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    keys = (WorkitemRow.model_name, WorkitemRow.model_version, WorkitemRow.outcome)
    recent = WorkitemRow.ended_at >= time.time() - USAGE_DAYS * 86_400
    counted = select(*keys, func.count()).where(recent, WorkitemRow.rule != tries.RULE)
    for name, version, outcome, count in session.execute(counted.group_by(*keys)):
        outcomes[name, version][outcome] += count
    rows = session.scalars(select(ModelRow).order_by(ModelRow.name, ModelRow.registered_at.desc()))
    return [ModelLine(RegisteredModel.of(row), outcomes[row.name, row.version]) for row in rows]


def model_page(session: Session, name: str, version: str) -> ModelPage | None:
    """None where no such version is registered."""
    row = session.get(ModelRow, (name, version))
    if row is None:
        return None
    model = RegisteredModel.of(row)
    used = usage(session, name, version, USAGE_DAYS)
    versions = select(ModelRow.version).where(ModelRow.name == name)
    others = versions.where(ModelRow.version != version).order_by(ModelRow.registered_at.desc())
    tried = session.scalars(tries.of_version(name, version).limit(TRIES_SHOWN)).all()
    return ModelPage(
        ModelLine(model, Counter(used.live) + Counter(used.shadow)),
        session.scalar(versions.where(ModelRow.stage == Stage.LIVE)) or "",
        session.scalars(others).all(),
        tuple(_moves(model)),
        standing_on(session, name),
        [(one.name, list(facts(one))) for one in model.card.series],
        [(one.from_model, list(facts(one))) for one in model.card.stands_on],
        list(_sections(model.card)),
        stages.history(session, name, version),
        used,
        tried,
    )


def facts(section: BaseModel, *, all_of_them: bool = False) -> Iterator[tuple[str, str]]:
    """What a section of a card says; what it leaves as it is by default only if asked for."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if name == "name" or (
            not all_of_them and value == type(section).model_fields[name].default
        ):
            continue
        if text := _text(value):
            yield _title(name), text


def _title(name: str) -> str:
    return TITLES.get(name) or name.replace("_", " ").capitalize()


def _moves(model: RegisteredModel) -> Iterator[Stage]:
    """In the order of a version's life."""
    for stage in Stage:
        outside = stage is Stage.SHADOW and model.card.queue == OUTSIDE
        if stage in stages.MOVES[model.stage] and not outside:
            yield stage


def _sections(card: ModelCard) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for name in type(card).model_fields:
        value = getattr(card, name)
        elsewhere = name in PLACED or (name in OF_NETWORKS and not card.outputs)
        if elsewhere or not isinstance(value, BaseModel | tuple):
            continue
        several = value if isinstance(value, tuple) else (value,)
        for one in several:
            told = list(facts(one, all_of_them=True)) if isinstance(one, BaseModel) else []
            if told:
                yield _title(name), told


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, BaseModel):
        return "; ".join(f"{name} {text}" for name, text in facts(value))
    if isinstance(value, tuple | list):
        return ", ".join(map(_text, value))
    if isinstance(value, float):
        return f"{value:g}"
    text = "" if value is None else str(value)
    return UID(text).name if is_uid(text) else text

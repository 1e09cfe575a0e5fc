"""Trying a version on a stored study: shadow work that somebody waits for (docs/models.md).

A try is a workitem of its own, whatever was done before, urgent, and in the shadow stage: nothing
of it reaches the study. What it found is forgotten after a while.
"""

import json
import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ai_models.card import OUTSIDE, Stage
from gateway import shadow
from gateway.chains import ordering
from gateway.chains.selecting import ChainStep, select_chain
from gateway.completion import COMPLETE, study_of
from gateway.errors import Conflict, NotFound, Unprocessable
from gateway.registry import RegisteredModel, Registry
from gateway.routing.priors import earlier_studies
from gateway.store.database import Database
from gateway.store.tables import EventRow, StudyRow, WorkitemRow

RULE = "(try)"  # stands where the work of a rule names it; no rule can be called so
KEPT_DAYS = 7
AT_ONCE = 100  # forgotten in one transaction


@dataclass(frozen=True, slots=True)
class Step:
    """seconds: how long it took."""

    name: str
    seconds: float


def order(  # noqa: PLR0913, PLR0917 (what a try consists of)
    session: Session,
    registry: Registry,
    model: RegisteredModel,
    study_instance_uid: str,
    series_instance_uids: Collection[str],
    by: str,
) -> WorkitemRow:
    """series_instance_uids: those that may be chosen from; empty = all of the study.

    What the model stands on is done first, urgently and apart too, where nobody has done it yet.
    Raises NotFound, Conflict for what may be tried later, Unprocessable for what cannot be tried.
    """
    _check(model)
    row = session.get(StudyRow, study_instance_uid)
    if row is None:
        raise NotFound("study", study_instance_uid)
    if row.state != COMPLETE:
        raise Conflict(f"study {study_instance_uid} is still arriving; try again when it is whole")
    step = _selected(session, registry, model, row, series_instance_uids)
    ordered = ordering.order(
        session,
        step,
        ordering.Order(
            study_instance_uid,
            RULE,
            shadow.SHADOW,
            priority="HIGH",
            once=uuid.uuid4().hex,
        ),
    )
    ordering.note_made(session, ordered, by=by)
    for uid in ordered.ready(session):
        work = session.get_one(WorkitemRow, uid)
        work.not_before = work.created_at  # so gateway/dispatch.py makes its job
    return session.get_one(WorkitemRow, ordered.uid)


def of_version(name: str, version: str) -> Select[WorkitemRow]:
    """Newest first."""
    own = (WorkitemRow.model_name == name) & (WorkitemRow.model_version == version)
    newest = (WorkitemRow.created_at.desc(), WorkitemRow.sop_instance_uid)
    return select(WorkitemRow).where(own, WorkitemRow.rule == RULE).order_by(*newest)


def known(session: Session, name: str, version: str, workitem_uid: str) -> WorkitemRow:
    """Raises NotFound."""
    row = session.get(WorkitemRow, workitem_uid)
    if row is None or (row.rule, row.model_name, row.model_version) != (RULE, name, version):
        raise NotFound("try", workitem_uid)
    return row


def steps(session: Session, workitem_uid: str) -> Sequence[Step]:
    """In the order in which they ended."""
    query = select(EventRow.detail).where(
        EventRow.workitem_uid == workitem_uid, EventRow.kind == "step"
    )
    told = [json.loads(detail) for detail in session.scalars(query.order_by(EventRow.id))]
    return [Step(one["name"], one["seconds"]) for one in told]


def forget(database: Database, before: float) -> int:
    """Drop what tries found that ended before that; how many they were. Their outcomes stay."""
    found = select(WorkitemRow).where(
        WorkitemRow.rule == RULE, WorkitemRow.ended_at < before, WorkitemRow.results != ""
    )
    total = 0
    while True:
        with database.write() as session:
            rows = session.scalars(found.limit(AT_ONCE)).all()
            for row in rows:
                shadow.forget(session, row.sop_instance_uid)
                row.results = ""
        total += len(rows)
        if len(rows) < AT_ONCE:
            return total


def forget_old(database: Database) -> int:
    return forget(database, time.time() - KEPT_DAYS * 86_400)


def _check(model: RegisteredModel) -> None:
    called = f"model {model.card.name} {model.card.version}"
    if model.stage is Stage.RETIRED:
        raise Conflict(f"{called} is retired and runs no more; promote it to shadow, and try then")
    if model.card.queue == OUTSIDE:
        raise Unprocessable(
            f"{called} runs outside and stores its results in the study itself, so it cannot be "
            "tried without publishing"
        )


def _selected(
    session: Session,
    registry: Registry,
    model: RegisteredModel,
    row: StudyRow,
    wanted: Collection[str],
) -> ChainStep:
    study = study_of(session, row.study_instance_uid)
    series = [one for one in study.series if not wanted or one.series_instance_uid in wanted]
    found = {one.series_instance_uid for one in series}
    if unknown := [uid for uid in wanted if uid not in found]:
        raise NotFound("series of this study", unknown[0])
    step = select_chain(
        model,
        series,
        row.study_date,
        lambda: earlier_studies(session, row),
        lambda name: registry.runnable(session, name),
    )
    if step.reason:
        raise Unprocessable(step.why_none())
    return step

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
from gateway import shadow, worklist
from gateway.completion import COMPLETE, study_of
from gateway.errors import Conflict, NotFound, Unprocessable
from gateway.registry import RegisteredModel
from gateway.routing.priors import earlier_studies
from gateway.routing.selector import select_all, why_none
from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.tables import EventRow, StudyRow, WorkitemRow
from standards.study import Series, Study

RULE = "(try)"  # stands where the work of a rule names it; no rule can be called so
KEPT_DAYS = 7
AT_ONCE = 100  # forgotten in one transaction


@dataclass(frozen=True, slots=True)
class Step:
    """seconds: how long it took."""

    name: str
    seconds: float


def order(
    session: Session,
    model: RegisteredModel,
    study_instance_uid: str,
    series_instance_uids: Collection[str],
    by: str,
) -> WorkitemRow:
    """series_instance_uids: those that may be chosen from; empty = all of the study.

    Raises NotFound, Conflict for what may be tried later, Unprocessable for what cannot be tried.
    """
    _check(model)
    row = session.get(StudyRow, study_instance_uid)
    if row is None:
        raise NotFound("study", study_instance_uid)
    if row.state != COMPLETE:
        raise Conflict(f"study {study_instance_uid} is still arriving; try again when it is whole")
    inputs = _inputs(session, model, row, series_instance_uids)
    once = uuid.uuid4().hex
    work = worklist.create(
        session,
        model,
        study_instance_uid,
        inputs,
        RULE,
        priority="HIGH",
        stage=shadow.SHADOW,
        once=once,
    )
    assert work is not None, once  # noqa: S101 (no other work is named so)
    work.not_before = work.created_at  # so gateway/dispatch.py makes its job
    made = {"model": model.card.name, "version": model.card.version, "by": by}
    uid = work.sop_instance_uid
    note(session, study_instance_uid, "workitem_created", made, workitem_uid=uid)
    return work


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


def _inputs(
    session: Session, model: RegisteredModel, row: StudyRow, wanted: Collection[str]
) -> dict[str, Series]:
    study = study_of(session, row.study_instance_uid)
    series = [one for one in study.series if not wanted or one.series_instance_uid in wanted]
    found = {one.series_instance_uid for one in series}
    if unknown := [uid for uid in wanted if uid not in found]:
        raise NotFound("series of this study", unknown[0])
    offered = Study(study.study_instance_uid, series)
    selections = select_all(
        model.card.inputs, series, row.study_date, lambda: earlier_studies(session, row)
    )
    inputs = {name: one.chosen for name, one in selections.chosen.items() if one.chosen}
    if not inputs:
        raise Unprocessable(why_none(selections, offered))
    return inputs

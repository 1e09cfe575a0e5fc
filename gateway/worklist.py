"""The worklist: workitems and their states. The UPS workitem is the job; there is no second one."""

import json
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from pydicom import Dataset
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway import places
from gateway.chains import kept, links
from gateway.errors import NotFound
from gateway.outcomes import ENDINGS, Outcome
from gateway.registry import RegisteredModel
from gateway.shadow import INTERMEDIATE, LIVE, forget
from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.tables import InstanceRow, WorkitemRow
from gateway.ups import ending, rows
from standards import ups
from standards.study import Header, Series, value, values
from standards.uids import derived_uid

VOID = frozenset({Outcome.WITHDRAWN, Outcome.SUPERSEDED})  # work that left nothing behind


def create(  # noqa: PLR0913 (what a workitem consists of)
    session: Session,
    model: RegisteredModel,
    study_instance_uid: str,
    inputs: Mapping[str, Series],
    rule: str,
    *,
    priority: str = "MEDIUM",
    supersedes: str = "",
    stage: str = LIVE,
    once: str = "",
    sr_without_result: bool = False,
    stands_on: Mapping[str, str] = MappingProxyType({}),
) -> WorkitemRow | None:
    """One workitem per model build, input set and stage; None when that one exists already.

    inputs: by the names that the card gives them; the results are drawn on the first one.
    supersedes: UID of the work whose result this one's takes the place of. once: any unique text
    makes it work of its own, though the same was done before. sr_without_result: as in Rule.
    stands_on: UIDs of the work that gives it findings, whose rows are held, by the names of the
    inputs: it waits until these have ended.
    """
    earlier = tuple(stands_on.values())
    uid, is_known = identity(session, model, inputs, stage, once, earlier)
    if is_known:
        return None
    first = next(iter(inputs.values()))
    named = {name: series.series_instance_uid for name, series in inputs.items()}
    now = datetime.now(UTC)
    order = ups.Order(
        uid,
        study_instance_uid,
        [_reference(header) for series in inputs.values() for header in series.headers],
        model.performer,
        label=model.card.title,
        worklist=model.card.worklist,
        at=now,
        priority=priority,
        replaces=supersedes,
        stands_on=earlier,
    )
    step = ups.scheduled(order, _patient(first.first))
    row = WorkitemRow(
        sop_instance_uid=uid,
        study_instance_uid=study_instance_uid,
        series_instance_uid=first.series_instance_uid,
        inputs=json.dumps(named),
        model_name=model.card.name,
        model_version=model.card.version,
        model_digest=model.digest,
        rule=rule,
        queue=model.card.queue,
        concurrency=model.card.resources.concurrency,
        supersedes=supersedes,
        stage=stage,
        sr_without_result=sr_without_result,
        created_at=now.timestamp(),
    )
    rows.add(session, row, step)
    links.link(session, uid, stands_on)
    if earlier and not links.awaits(session, uid):
        links.make_ready(session, row)
    return row


def identity(  # noqa: PLR0913, PLR0917 (what a workitem is named after)
    session: Session,
    model: RegisteredModel,
    inputs: Mapping[str, Series],
    stage: str,
    once: str = "",
    earlier: Collection[str] = (),
) -> tuple[str, bool]:
    """UID of the workitem for these inputs, and whether it exists already.

    earlier: UIDs of the work that it stands on.
    One whose inputs were deleted does not count: they are here again, and its results are not. Nor
    does one that gave way before it ended, one of whose inputs another content is stored by now, or
    one that was done for the sake of its findings alone, which are gone.
    """
    first = next(iter(inputs.values()))
    instances = sorted(uid for series in inputs.values() for uid in series.sop_instance_uids)
    uid = _first_uid(model, first.series_instance_uid, [*instances, *sorted(earlier)])
    if stage != LIVE:
        uid = derived_uid("workitem", uid, stage)
    if once:
        uid = derived_uid("workitem", uid, once)
    changed_at = _last_stored(session, [one.series_instance_uid for one in inputs.values()])
    while (known := session.get(WorkitemRow, uid)) is not None:
        is_gone = stage == INTERMEDIATE and not kept.can_be_taken(session, known)
        if known.outcome not in VOID and known.created_at >= changed_at and not is_gone:
            return uid, True
        uid = derived_uid("workitem", uid)
    return uid, False


def repetition(row: WorkitemRow, model: RegisteredModel) -> str:
    """Its UID, where the same model build had, or may have, exactly these instances otherwise: work
    that was done again, is kept apart or stands on other work; else "".

    A replay is named as the first try was: that one gave nothing.
    """
    first = _first_uid(model, row.series_instance_uid, sorted(inputs_of(row)))
    uid = row.replay_of or row.sop_instance_uid
    return "" if uid == first else uid


def _first_uid(model: RegisteredModel, series: str, instances: Sequence[str]) -> str:
    return derived_uid("workitem", model.algorithm.device_uid, series, ",".join(instances))


def _last_stored(session: Session, series: Collection[str]) -> float:
    """When an instance of these series came last, or another content of one."""
    of_series = InstanceRow.series_instance_uid.in_(series)
    return session.scalar(select(func.max(InstanceRow.received_at)).where(of_series)) or 0.0


def claim(
    database: Database, uid: str, put_offs: int = 0, *, counts: bool = True, worker: str = ""
) -> WorkitemRow | None:
    """SCHEDULED -> IN PROGRESS; None when there is nothing to do any more, no place for it yet, or
    what it stands on has not ended.

    A workitem already IN PROGRESS is claimed anew, unless a performer outside has it: the engine
    gives each job to one worker, so its former performer is dead. `started_at` stays, so that a
    repeat writes the same bytes.
    put_offs: of the job; when the workitem was put off since then, a later job does it.
    counts: whether this is an attempt of its own. worker: its executor id, for the trace.
    """
    with database.write() as session:
        row = rows.locked(session, uid)
        if rows.is_final(row) or row.claimed_outside or row.put_offs != put_offs:
            return None
        if links.awaits(session, uid):
            return None
        if not places.take(session, row):
            return None
        transaction_uid = f"2.25.{uuid.uuid4().int}"
        if row.procedure_step_state == ups.State.SCHEDULED:
            step = ups.claimed(rows.step_of(row), datetime.now(UTC))
            rows.begin(session, row, step, transaction_uid, outside=False)
        row.transaction_uid = transaction_uid
        row.attempts += counts
        row.not_before, row.awaits_place = None, False
        note(
            session,
            row.study_instance_uid,
            "claimed",
            {"attempt": row.attempts, "worker": worker},
            workitem_uid=uid,
        )
        return row


def put_off(
    session: Session, claimed: WorkitemRow, why: str, seconds: float, *, counts: bool
) -> bool:
    """Try again later, by a new job that the caller enqueues; False when another one has it.

    counts: whether this was an attempt; it was none when the outside was away.
    """
    row = rows.locked(session, claimed.sop_instance_uid)
    if row.transaction_uid != claimed.transaction_uid:
        return False
    row.attempts -= not counts
    row.put_offs += 1
    row.not_before = time.time() + seconds
    note(
        session,
        row.study_instance_uid,
        "put_off",
        {"reason": why, "for": f"{seconds:g} s"},
        workitem_uid=row.sop_instance_uid,
    )
    return True


def progress(session: Session, claimed: WorkitemRow, percent: int) -> None:
    """How far its performer is, while the claim is still good."""
    row = rows.locked(session, claimed.sop_instance_uid)
    if row.transaction_uid == claimed.transaction_uid:
        row.progress = percent
        rows.put(session, row, ups.progressed(rows.step_of(row), percent))
        uid = row.sop_instance_uid
        note(session, row.study_instance_uid, "progress", {"percent": percent}, workitem_uid=uid)


def complete(
    session: Session,
    claimed: WorkitemRow,
    performer: ups.Performer,
    outputs: Sequence[ups.InstanceReference],
    results: dict[str, Any],
) -> bool:
    """IN PROGRESS -> COMPLETED in the caller's transaction; False when another one was faster.

    results: the AIR result tree; with warnings in it the work is DONE_WITH_WARNINGS.
    """
    row = rows.locked(session, claimed.sop_instance_uid)
    if row.transaction_uid != claimed.transaction_uid:
        return False
    warnings = " ".join(results.get("warnings", ()))
    outcome = Outcome.DONE_WITH_WARNINGS if warnings else Outcome.DONE
    row.progress, row.results = 100, json.dumps(results)
    step = ups.completed(rows.step_of(row), performer, outputs, datetime.now(UTC))
    ending.end(session, row, step, outcome, warnings)
    told = {"warnings": warnings} if warnings else {}
    uid = row.sop_instance_uid
    note(session, row.study_instance_uid, outcome.lower(), told, workitem_uid=uid)
    return True


def cancel(
    session: Session,
    claimed: WorkitemRow,
    outcome: Outcome,
    reason: str,
    results: dict[str, object] | None = None,
) -> bool:
    """-> CANCELED with the outcome and its reason in words."""
    row = rows.locked(session, claimed.sop_instance_uid)
    if row.transaction_uid != claimed.transaction_uid:
        return False
    _end(session, row, outcome, reason, results)
    return True


def supersede(session: Session, row: WorkitemRow, reason: str) -> None:
    """Later work on more of the study takes its place before it has ended; as `withdraw`."""
    row = rows.locked(session, row.sop_instance_uid)
    if not rows.is_final(row):
        row.transaction_uid = ""
        _end(session, row, Outcome.SUPERSEDED, reason, None)


def withdraw(session: Session, row: WorkitemRow, reason: str) -> None:
    """The inputs are deleted: what is still open ends CANCELED, and has no results to show.

    Its performer, if there is one, finds out when it wants to publish: its claim is void.
    """
    row = rows.locked(session, row.sop_instance_uid)
    if not rows.is_final(row):
        row.transaction_uid = ""
        _end(session, row, Outcome.WITHDRAWN, reason, None)
    else:
        row.outcome, row.reason, row.results = Outcome.WITHDRAWN, reason, ""
        forget(session, row.sop_instance_uid)


def inputs_of(row: WorkitemRow) -> list[str]:
    """SOP Instance UIDs that the workitem names as its input; results of other models are not
    among them.
    """
    series = json.loads(row.inputs).values()
    return [
        str(value(reference, "ReferencedSOPInstanceUID"))
        for item in values(rows.step_of(row), "InputInformationSequence")
        if not series or value(item, "SeriesInstanceUID") in series
        for reference in values(item, "ReferencedSOPSequence")
    ]


def _end(
    session: Session,
    row: WorkitemRow,
    outcome: Outcome,
    reason: str,
    results: dict[str, object] | None,
) -> None:
    row.results = json.dumps(results) if results else ""
    code = ENDINGS[outcome].discontinued
    assert code is not None, outcome  # noqa: S101 (every outcome that cancels has one)
    step = ups.canceled(rows.step_of(row), reason, code, datetime.now(UTC))
    ending.end(session, row, step, outcome, reason)
    note(
        session,
        row.study_instance_uid,
        outcome.lower(),
        {"reason": reason},
        workitem_uid=row.sop_instance_uid,
    )


def named_inputs(database: Database, row: WorkitemRow) -> dict[str, list[InstanceRow]]:
    """The index rows of exactly the instances that the workitem names, by input, the first first.

    The name of an only input is "" where the workitem was made before inputs had names. Raises
    NotFound.
    """
    uids = inputs_of(row)
    series = json.loads(row.inputs) or {"": row.series_instance_uid}
    with database.read() as session:
        query = select(InstanceRow).where(InstanceRow.series_instance_uid.in_(series.values()))
        found = {one.sop_instance_uid: one for one in session.scalars(query)}
    missing = [uid for uid in uids if uid not in found]
    if missing:
        raise NotFound("input instance", missing[0])
    named = [found[uid] for uid in uids]
    return {
        name: [one for one in named if one.series_instance_uid == uid]
        for name, uid in series.items()
    }


def input_instances(database: Database, row: WorkitemRow) -> list[InstanceRow]:
    """Those of the first input, on which the results are drawn. Raises NotFound."""
    return next(iter(named_inputs(database, row).values()))


def _patient(header: Header) -> Dataset:
    return Dataset.from_json({tag: header[tag] for tag in ups.PATIENT_TAGS if tag in header})


def _reference(header: Header) -> ups.InstanceReference:
    return ups.InstanceReference(
        str(value(header, "SOPClassUID")),
        str(value(header, "SOPInstanceUID")),
        str(value(header, "SeriesInstanceUID")),
        str(value(header, "StudyInstanceUID", "")),
    )

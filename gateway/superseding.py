"""Late arrivals: which work takes the place of which, and what becomes of the earlier result.

A workitem names the one that it supersedes when it is made, and never changes that: the chain of
a study runs back in time, so it has an end. The earlier work stays as it ended. Its result gives
way when the later one is published, not before.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import worklist
from gateway.fhir import repository
from gateway.outcomes import WITH_RESULT, Outcome
from gateway.store.tables import WorkitemRow
from gateway.ups import rows
from standards.analysis import Document, Superseded


class Late(StrEnum):
    """What a route does with what comes of a study after it was complete.

    rerun: work on whatever its selector chooses now, if that was not worked on before. amend: only
    where more has come of the very series that was worked on. ignore: nothing.
    """

    RERUN = "rerun"
    AMEND = "amend"
    IGNORE = "ignore"


# Outcomes that say something of their input. What failed has said nothing that could take a place.
STANDS = frozenset({*WITH_RESULT, Outcome.NO_RESULT, Outcome.REFUSED_INPUT, Outcome.NOT_INDICATED})
IGNORED = "the route ignores what comes after its study was complete"
OTHER_SERIES = "the route amends its result only, and nothing new has come of the series behind it"
MORE_CAME = "more of the study came before the work ended"


def earlier_work(
    session: Session, study: str, rule: str, model: str, stage: str
) -> WorkitemRow | None:
    """The last work of a model for this study by this rule in this stage, but for what was
    withdrawn. So shadow work takes the place of shadow work alone."""
    query = (
        select(WorkitemRow)
        .where(
            WorkitemRow.study_instance_uid == study,
            WorkitemRow.rule == rule,
            WorkitemRow.model_name == model,
            WorkitemRow.stage == stage,
            WorkitemRow.outcome != Outcome.WITHDRAWN,
        )
        .order_by(WorkitemRow.created_at.desc(), WorkitemRow.sop_instance_uid)
    )
    return session.scalars(query.limit(1)).first()


def why_left(late: Late, earlier: WorkitemRow | None, series: Collection[str]) -> str:
    """Why a route leaves it at the result it has; "" when it does not.

    series: those that its selector chooses now.
    """
    if earlier is None or late is Late.RERUN:
        return ""
    if late is Late.IGNORE:
        return IGNORED
    return "" if earlier.series_instance_uid in series else OTHER_SERIES


def give_way(session: Session, earlier: WorkitemRow) -> bool:
    """Later work is ordered: what has not ended yet need not, unless somebody outside is at it.

    Whether it was ended.
    """
    if rows.is_final(earlier) or earlier.claimed_outside:
        return False
    worklist.supersede(session, earlier, MORE_CAME)
    return True


def superseded_by(of_study: Iterable[WorkitemRow]) -> dict[str, str]:
    """Of each workitem whose result gave way, the one whose result is the newest now."""
    ordered = sorted(of_study, key=lambda row: row.created_at)
    by_uid = {row.sop_instance_uid: row for row in ordered}
    newest: dict[str, str] = {}
    for row in ordered:
        if row.outcome in STANDS:
            for earlier in _chain(row, by_uid.get):
                newest[earlier.sop_instance_uid] = row.sop_instance_uid
    return newest


def superseded(session: Session, row: WorkitemRow) -> Superseded | None:
    """What the result of this work is to refer to as its predecessor."""
    earlier = [one for one in _earlier(session, row) if one.results]
    reports = [uid for one in earlier if (uid := _report_id(one)) and one.outcome in STANDS]
    documents = _documents([*_tries(session, row), *earlier])
    if not reports and not documents:
        return None
    return Superseded(documents, reports[0] if reports else "")


def take_place(session: Session, row: WorkitemRow) -> None:
    """The result of this work is published: what FHIR said before is not to be used any more."""
    said: list[str] = []
    for earlier in _earlier(session, row):
        said.append(earlier.sop_instance_uid)
        if earlier.outcome in STANDS:
            break  # what was before that has given way to it
    if said:
        reason = f"superseded by the result of workitem {row.sop_instance_uid}, which saw more"
        repository.withdraw(session, said, reason)


def _tries(session: Session, row: WorkitemRow) -> Sequence[WorkitemRow]:
    """The tries of the same work before this one, the last first."""
    if not row.replay_of:
        return []
    same = (WorkitemRow.sop_instance_uid == row.replay_of) | (
        WorkitemRow.replay_of == row.replay_of
    )
    before = same & (WorkitemRow.created_at < row.created_at) & (WorkitemRow.results != "")
    query = select(WorkitemRow).where(before).order_by(WorkitemRow.created_at.desc())
    return session.scalars(query).all()


def _documents(earlier: Iterable[WorkitemRow]) -> tuple[Document, ...]:
    """Their structured reports, back to the first that says something of its input."""
    found: list[Document] = []
    for row in earlier:
        if (document := _document(row)) is not None:
            found.append(document)
            if row.outcome in STANDS:
                break
    return tuple(found)


def _earlier(session: Session, row: WorkitemRow) -> Sequence[WorkitemRow]:
    return list(_chain(row, lambda uid: session.get(WorkitemRow, uid)))


def _chain(row: WorkitemRow, find: Any) -> Iterable[WorkitemRow]:
    """What a workitem supersedes, and what that one does, back to the first; none withdrawn."""
    earlier = find(row.supersedes) if row.supersedes else None
    while earlier is not None:
        if earlier.outcome != Outcome.WITHDRAWN:
            yield earlier
        earlier = find(earlier.supersedes) if earlier.supersedes else None


def _report_id(row: WorkitemRow) -> str:
    told = json.loads(row.results).get("fhir", ())
    return next((one["id"] for one in told if one["resource_type"] == "DiagnosticReport"), "")


def _document(row: WorkitemRow) -> Document | None:
    results = json.loads(row.results)
    root = results.get("root")
    for one in results.get("objects", ()):
        if root and one["sop_instance_uid"] == root:
            return Document(one["sop_class_uid"], root, one["series_instance_uid"])
    return None

"""Where each version of a model stands: draft -> shadow -> live -> retired (docs/models.md).

A draft runs when somebody tries it. A version in shadow runs where shadow work is ordered, and its
results stay apart. Of a model at most one version is live. A retired one is given no new work.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ai_models.card import OUTSIDE, ModelCard, Stage
from gateway.errors import Conflict, NotFound, Unprocessable
from gateway.store.tables import ModelRow, ModelStageRow

LONGEST_NOTE = 1000
# From each stage: where `promote` leads when it is not told, and where a version may go at all.
NEXT: Mapping[Stage, Stage] = {
    Stage.DRAFT: Stage.SHADOW,
    Stage.SHADOW: Stage.LIVE,
    Stage.RETIRED: Stage.SHADOW,
}
MOVES: Mapping[Stage, frozenset[Stage]] = {
    Stage.DRAFT: frozenset({Stage.SHADOW, Stage.LIVE, Stage.RETIRED}),
    Stage.SHADOW: frozenset({Stage.LIVE, Stage.RETIRED}),
    Stage.LIVE: frozenset({Stage.RETIRED}),
    Stage.RETIRED: frozenset({Stage.SHADOW, Stage.LIVE}),
}
TO_DO: Mapping[Stage, str] = {
    Stage.DRAFT: "promote it",
    Stage.SHADOW: "promote it to live, or retire it",
    Stage.LIVE: "promote another version, which takes its place, retire it, or roll back",
    Stage.RETIRED: "promote it, and it runs again",
}


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants a change, and why.

    displaced: what becomes of the version that is live, where another one takes its place.
    """

    by: str
    note: str = ""
    displaced: Stage = Stage.RETIRED


class ImpossibleMove(Conflict):
    def __init__(self, row: ModelRow, to: Stage) -> None:
        self.found, self.wanted = Stage(row.stage), to
        super().__init__(
            f"model {row.name} {row.version} is in stage {row.stage} and cannot go to {to}; "
            f"{TO_DO[self.found]}"
        )


def begin(session: Session, row: ModelRow, order: Order, stage: Stage) -> None:
    """The first stage of a version that is new; a live one takes the place of the former."""
    row.stage = Stage.DRAFT
    _check_outside(row, stage)
    session.add(row)
    if stage is Stage.LIVE:
        _displace(session, _versions(session, row.name), row, order)
    _write(session, row, stage, order, found="")


def promote(
    session: Session, name: str, version: str, order: Order, to: Stage | None = None
) -> ModelRow:
    """To shadow or live; unset = the next stage. Raises NotFound, ImpossibleMove, Unprocessable."""
    versions = _versions(session, name)
    row = _of_version(versions, name, version)
    _move(session, versions, row, to or NEXT.get(Stage(row.stage), Stage.LIVE), order)
    return row


def retire(session: Session, name: str, version: str, order: Order) -> ModelRow:
    """No new work for it; what is ordered is done. Raises NotFound, ImpossibleMove."""
    versions = _versions(session, name)
    row = _of_version(versions, name, version)
    _move(session, versions, row, Stage.RETIRED, order)
    return row


def roll_back(session: Session, name: str, order: Order) -> ModelRow:
    """The version that was live before is live again. Raises NotFound, Conflict."""
    versions = _versions(session, name)
    if not versions:
        raise NotFound("model", name)
    current = next((row.version for row in versions if row.stage == Stage.LIVE), "")
    left = select(ModelStageRow.version).where(
        ModelStageRow.name == name,
        ModelStageRow.found == Stage.LIVE,
        ModelStageRow.version != current,
    )
    before = session.scalar(left.order_by(ModelStageRow.id.desc()).limit(1))
    if before is None:
        raise Conflict(
            f"no other version of model {name} was live before; promote the one that shall be live"
        )
    row = _of_version(versions, name, before)
    _move(session, versions, row, Stage.LIVE, order)
    return row


def history(session: Session, name: str, version: str) -> Sequence[ModelStageRow]:
    """The changes of one version, newest first."""
    query = select(ModelStageRow).where(
        ModelStageRow.name == name, ModelStageRow.version == version
    )
    return session.scalars(query.order_by(ModelStageRow.id.desc())).all()


def _versions(session: Session, name: str) -> Sequence[ModelRow]:
    """All of them, held until the transaction ends, so that two changes come one by one."""
    query = select(ModelRow).where(ModelRow.name == name).order_by(ModelRow.version)
    return session.scalars(query.with_for_update()).all()


def _of_version(versions: Sequence[ModelRow], name: str, version: str) -> ModelRow:
    for row in versions:
        if row.version == version:
            return row
    raise NotFound("model", f"{name} {version}")


def _move(
    session: Session, versions: Sequence[ModelRow], row: ModelRow, to: Stage, order: Order
) -> None:
    found = Stage(row.stage)
    if to not in MOVES[found]:
        raise ImpossibleMove(row, to)
    _check_outside(row, to)
    if to is Stage.LIVE:
        _displace(session, versions, row, order)
    _write(session, row, to, order, found)


def _displace(session: Session, versions: Sequence[ModelRow], row: ModelRow, order: Order) -> None:
    """Take the version that is live out of the way of this one."""
    for former in versions:
        if former.stage == Stage.LIVE and former is not row:
            _check_outside(former, order.displaced)
            why = Order(order.by, f"version {row.version} took its place")
            _write(session, former, order.displaced, why, Stage.LIVE)


def _write(session: Session, row: ModelRow, to: Stage, order: Order, found: str) -> None:
    row.stage = to
    session.add(
        ModelStageRow(
            name=row.name,
            version=row.version,
            found=found,
            stage=to,
            at=time.time(),
            changed_by=order.by,
            note=order.note,
        )
    )
    session.flush()  # one after the other, since an index allows one live version


def _check_outside(row: ModelRow, to: Stage) -> None:
    """Raises Unprocessable for what runs outside: it stores its results in the study itself."""
    if to is Stage.SHADOW and ModelCard.model_validate_json(row.card).queue == OUTSIDE:
        raise Unprocessable(
            f"model {row.name} runs outside and stores its results in the study itself, so it "
            "cannot run in shadow; let it be draft, live or retired"
        )

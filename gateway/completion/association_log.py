"""What the DIMSE process writes down of its associations, for the workers to judge by.

It beats while associations last, so that its crash leaves none open for ever.
"""

import logging
import time
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from adapters.dimse import Association
from gateway.completion.arrivals import note_evidence
from gateway.completion.associations import LASTING, State
from gateway.repeating import repeating
from gateway.store.database import Database
from gateway.store.tables import AssociationRow

BEAT_SECONDS = 2.0

log = logging.getLogger(__name__)


@dataclass
class _Brings:
    """One association, and the study that it brings now. For one thread."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    study_instance_uid: str = ""


class AssociationLog:
    """For the threads of all associations of one listener."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._brings: dict[Association, _Brings] = {}

    def beating(self) -> AbstractContextManager[None]:
        """Beat while the block runs."""
        failed = "associations were not noted; trying again"
        return repeating(
            self._beat, name="associations", seconds=BEAT_SECONDS, failed=failed, log=log
        )

    def brings(self, association: Association, study: str) -> None:
        """An instance of this study is indexed; its sender waits for the answer.

        A study that the database does not take down now is judged by its quiet time.
        """
        known = self._brings.setdefault(association, _Brings())
        if known.study_instance_uid == study:
            return
        try:
            with self._database.write() as session:
                _note(session, association, known, study)
        except SQLAlchemyError as error:
            log.error("an association was not noted: %s", type(error).__name__)
            return
        known.study_instance_uid = study

    def ended(self, session: Session, association: Association, *, released: bool) -> None:
        """In the caller's transaction. The beat forgets it in any case."""
        known = self._brings.pop(association, None)
        if known is None:
            return
        now = time.time()
        of_this = AssociationRow.id == known.id
        studies = session.scalars(select(AssociationRow.study_instance_uid).where(of_this)).all()
        note_evidence(session, studies, now)
        state = State.RELEASED if released else State.LOST
        _change(session, [of_this], state, now)

    def _beat(self) -> None:
        now, ids = time.time(), [known.id for known in list(self._brings.values())]
        if not ids:
            return
        with self._database.write() as session:
            session.execute(
                update(AssociationRow).where(AssociationRow.id.in_(ids)).values(beat_at=now)
            )


def _note(session: Session, association: Association, known: _Brings, study: str) -> None:
    now, left = time.time(), known.study_instance_uid
    _change(
        session,
        [AssociationRow.id == known.id, AssociationRow.study_instance_uid == left],
        State.ELSEWHERE,
        now,
    )
    session.merge(
        AssociationRow(
            id=known.id,
            study_instance_uid=study,
            calling_ae_title=association.calling_ae_title,
            called_ae_title=association.called_ae_title,
            state=State.OPEN,
            opened_at=now,
            beat_at=now,
        )
    )
    note_evidence(session, {study, left}, now)


def _change(session: Session, which: list, to: State, now: float) -> None:
    ended_at = None if to in LASTING else now
    session.execute(
        update(AssociationRow)
        .where(*which)
        .values(state=to, ended_at=ended_at)
        .execution_options(synchronize_session=False)
    )

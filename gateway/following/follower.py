"""Follows one Orthanc: its log tells what came, a walk over all it holds tells the rest.

The log is quick, but knows no deletions, nor what was cleared from it. So everything is walked
through once at each start and after each outage, and again when the numbers of instances there
and here differ in a new way.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from adapters.archive import AT_ONCE
from adapters.orthanc import OrthancArchive
from adapters.orthanc_changes import NewInstance, OrthancChanges
from gateway.following import cursor
from gateway.following.adoption import Adopted, Adopter
from gateway.following.balance import Balance
from gateway.following.judging import Found
from gateway.following.listing import not_indexed
from gateway.following.waiting import GRACE_SECONDS, Waiting, WaitingRoom
from gateway.following.walk import BATCH, Walk
from gateway.services import Services

WALK_SECONDS = 0.5  # of a walk in one round; what the log tells goes first
AGAIN_SECONDS = 10.0  # until a result is looked at again whose work is under way

log = logging.getLogger(__name__)


class AnotherArchive(Exception):
    """The log went back while it was followed: begin anew."""


class Follower:
    """`turn` by `turn`, from one thread. All it must not forget is in the database."""

    def __init__(
        self,
        parts: Services,
        archive: OrthancArchive,
        *,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._parts, self._archive = parts, archive
        self._changes = OrthancChanges(archive)
        self._adopter = Adopter(parts)
        self._balance = Balance(parts.database, self._changes)
        self._name = cursor.archive_name(parts.settings)
        self._grace = grace_seconds
        self.resume()

    def resume(self) -> None:
        """Begin anew from what the database says, as after a failure half way."""
        self._waiting = WaitingRoom(self._grace)
        self._seen: int | None = None
        self._another = False
        self._saved: int | None = None
        self._steps: Iterator[None] | None = None

    def turn(self) -> bool:
        """Read the log, index what is due, walk a little. Returns whether there is more to do now.

        Raises ArchiveUnavailable and what the database raises; then call `resume`.
        """
        if self._seen is None:
            self._seen = self._starting_point()
            self._begin_walk()
        if not self._walk.surveyed:  # which Orthanc this is must be known before it is believed
            return self._walk_on()
        more = self._read_log()
        self._adopt_due()
        self._save_position()
        return self._walk_on() or more

    def _read_log(self) -> bool:
        """One piece of the log; whether there is more of it."""
        seen = self._seen or 0
        changes = self._changes.since(seen)
        if changes.last < seen:
            raise AnotherArchive
        self._await(changes.instances)
        self._seen = changes.last
        return not changes.done

    def _starting_point(self) -> int:
        with self._parts.database.read() as session:
            before = cursor.standing(session, self._name)
        if before is None:  # what is there already is for the walk
            return self._changes.counter()
        if before.last > (counter := self._changes.counter()):
            log.warning("the archive's log begins anew: it is another database than before")
            self._another = True
            return counter
        return before.last

    def _await(self, instances: Sequence[NewInstance]) -> None:
        seqs = {new.key: new.seq for new in instances}
        unknown = not_indexed(self._parts.database, seqs)
        for start in range(0, len(unknown), AT_ONCE):
            held = self._archive.held(unknown[start : start + AT_ONCE])
            studies = self._changes.studies(list({one.series: one.key for one in held}.values()))
            for one in held:
                if one.series in studies:  # else it is gone already
                    self._waiting.add(Waiting(one, studies[one.series], seqs[one.key]))

    def _adopt_due(self) -> None:
        if not self._waiting:
            return
        now = self._archive.clock()
        for study in self._waiting.by_study:
            if self._waiting.is_due(study, now):
                waiting = self._still_waiting(study)
                for start in range(0, len(waiting), BATCH):
                    adopted = self._adopt(waiting[start : start + BATCH])
                    figures = {"indexed": adopted.indexed, "refused": adopted.refused}
                    log.info("found in the archive", extra=figures)
            elif not self._still_waiting(study[:1]):  # a request has come to its end
                self._still_waiting(study)

    def _still_waiting(self, study: Sequence[Waiting]) -> list[Waiting]:
        """Those of them that are not indexed yet; the others leave."""
        keys = [one.held.key for one in study]
        still = set(not_indexed(self._parts.database, keys))
        self._waiting.leave(key for key in keys if key not in still)
        return [one for one in study if one.held.key in still]

    def _adopt(self, batch: Sequence[Waiting]) -> Adopted:
        """Index these; the position moves past them in the same transaction."""
        self._waiting.leave(one.held.key for one in batch)
        found = [self._found(one) for one in batch]
        adopted = self._adopter.adopt(found, self._move)
        if adopted.waiting:
            again = self._archive.clock() + AGAIN_SECONDS
            for one in batch:
                if one.held.key in adopted.waiting:
                    self._waiting.add(replace(one, not_before=again))
        return adopted

    def _found(self, waiting: Waiting) -> Found:
        """What the log tells came since it was last followed; of the rest its age decides."""
        logged = waiting.seq is not None
        since = time.time() - self._parts.settings.found_hours * 3600
        return Found(waiting.held, fresh=logged or waiting.held.came_at >= since, logged=logged)

    def _save_position(self) -> None:
        if self._position() != self._saved and not self._another:
            with self._parts.database.write() as session:
                self._move(session)

    def _move(self, session: Session) -> None:
        """Not before the walk through another Orthanc has ended: a restart must see it as such."""
        if not self._another:
            self._saved = self._position()
            cursor.move(session, self._name, self._saved)

    def _position(self) -> int:
        return self._waiting.position(self._seen or 0)

    def _walk_on(self) -> bool:
        """A little further on a walk, if there is one; whether it goes on."""
        if self._steps is None:
            if self._waiting or not self._balance.asks_for_walk():
                return False
            self._begin_walk()
        until = time.monotonic() + WALK_SECONDS
        for _ in self._steps or ():
            if time.monotonic() > until:
                return True
        self._steps, self._another = None, False
        self._balance.walked(self._walk.survey_seconds)
        return False

    def _begin_walk(self) -> None:
        self._walk = Walk(
            self._parts, self._archive, self._waiting, self._adopt, another=self._another
        )
        self._steps = self._walk.steps()

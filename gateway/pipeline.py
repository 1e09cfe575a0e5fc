"""The story of one workitem: fetch a series, run a model on it, give back what it found."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from sqlalchemy.orm import Session

from adapters.archive import Archive
from adapters.errors import ArchiveUnavailable, NotInArchive
from adapters.runtimes.errors import ModelError, ModelTimedOut
from adapters.runtimes.python import PythonRuntime
from gateway import air, worklist
from gateway.analysis import Refused, Stopwatch, analyse, objects_of
from gateway.engine import TryLater
from gateway.errors import NotFound
from gateway.fhir.repository import put_all
from gateway.ingest import Ingest, Kept, Part
from gateway.ingest import Refused as NotKept
from gateway.outputs import Encoded
from gateway.registry import RegisteredModel, Registry
from gateway.source import SourceSeries
from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.tables import TombstoneRow, WorkitemRow
from gateway.tombstones import INSTANCE, bury
from standards import fhir, ups
from standards.analysis import Result
from standards.errors import StandardsError

Answered = TypeVar("Answered")


class ResultNotKept(Exception):
    """The archive or the index would not take a result object; the work did not end well."""


@dataclass(frozen=True)
class Answer:
    """A result, the objects that carry it, and what the archive made of them."""

    result: Result
    objects: list[Encoded]
    kept: list[Kept]


@dataclass(frozen=True)
class Pipeline:
    """Everything that one workitem meets on its way."""

    database: Database
    archive: Archive
    ingest: Ingest
    registry: Registry
    runtime: PythonRuntime
    root_url: str

    def perform(self, workitem_uid: str) -> None:
        """Bring one workitem to its end. Raises TryLater while the archive is away."""
        workitem = worklist.claim(self.database, workitem_uid)
        if workitem is None:
            return
        if workitem.attempts > worklist.MAXIMUM_ATTEMPTS:
            self._end(workitem, "FAILED", "given up: every attempt ended with its worker")
            return
        try:
            self._perform(workitem)
        except ArchiveUnavailable as error:
            worklist.give_back(self.database, workitem, str(error))
            raise TryLater(str(error)) from error
        except Refused as refusal:
            self._refuse(workitem, refusal)
        except ModelTimedOut as error:
            self._end(workitem, "TIMED_OUT", str(error))
        except (ModelError, StandardsError, NotFound, NotInArchive, ResultNotKept) as error:
            self._end(workitem, "FAILED", str(error))

    def _perform(self, workitem: WorkitemRow) -> None:
        watch = Stopwatch()
        model = self.registry.version(workitem.model_name, workitem.model_version)
        rows = worklist.input_instances(self.database, workitem)
        source = SourceSeries([partial(self.archive.read, row.archive_key) for row in rows])
        predict = partial(
            self.runtime.predict,
            self.registry.entry_point(model),
            timeout_seconds=model.card.resources.timeout_seconds,
        )
        again = worklist.repetition(workitem, model)
        result = analyse(predict, model, source, _started(workitem), watch, again=again)
        with watch.step("encode"):
            objects = list(objects_of(result, source))
        with watch.step("archive"):  # after, not beside: two busy threads took longer than one
            kept = [self._keep(one) for one in objects]
        self._publish(workitem, model, Answer(result, objects, kept), watch)

    def _keep(self, one: Encoded) -> Kept:
        (answer,) = self.ingest.keep([Part(one.part10())])
        return _accepted(answer)

    def _publish(
        self, workitem: WorkitemRow, model: RegisteredModel, answer: Answer, watch: Stopwatch
    ) -> None:
        """Let index, FHIR, worklist and trace change in one transaction.

        A crash before it leaves objects that nothing names; the repeat writes the same bytes
        under the same UIDs.
        """
        with watch.step("FHIR"):
            resources = fhir.resources(answer.result, self._references(answer.objects))
        with self.database.write() as session:
            outputs = [_reference(one) for one in answer.objects]
            results = air.tree(answer.result, answer.objects, resources)
            _note_steps(session, workitem, watch)
            if not worklist.complete(session, workitem, model.performer, outputs, results):
                _take_back(session, workitem, answer.kept)
                return  # another worker took over and was faster, or the work was withdrawn
            for indexed in self.ingest.index(session, answer.kept, workitem.sop_instance_uid):
                _accepted(indexed)
            put_all(session, resources, workitem.sop_instance_uid)

    def _refuse(self, workitem: WorkitemRow, refusal: Refused) -> None:
        """No result is a result: said in the worklist and in FHIR, with its reason."""
        reason = str(refusal)
        references = self._references([])
        resources = fhir.no_result(refusal.analysis, reason, references)
        results = air.refusal_tree(refusal.analysis, reason, resources)
        with self.database.write() as session:
            if worklist.cancel(session, workitem, "NO_RESULT", reason, results):
                put_all(session, resources, workitem.sop_instance_uid)

    def _end(self, workitem: WorkitemRow, outcome: str, reason: str) -> None:
        with self.database.write() as session:
            worklist.cancel(session, workitem, outcome, reason)

    def _references(self, objects: list[Encoded]) -> fhir.References:
        return fhir.References(
            wado_rs_root=f"{self.root_url}/dicom-web",
            instances=tuple(result_instance(one) for one in objects),
        )


def _take_back(session: Session, workitem: WorkitemRow, kept: Sequence[Kept]) -> None:
    """Results of withdrawn work leave the archive again: their study was deleted meanwhile.

    Those of a faster worker are the same objects, and stay.
    """
    row = session.get(WorkitemRow, workitem.sop_instance_uid)
    if row is None or row.outcome != worklist.WITHDRAWN:
        return
    bury(
        session,
        [
            TombstoneRow(
                uid=one.identity.sop_instance_uid,
                level=INSTANCE,
                study_instance_uid=workitem.study_instance_uid,
                deleted_at=time.time(),
                deleted_by=workitem.sop_instance_uid,
                archive_key=one.archive_key,
            )
            for one in kept
        ],
    )


def _accepted(answer: Answered | NotKept) -> Answered:
    if isinstance(answer, NotKept):
        raise ResultNotKept(f"a result object was not kept: {answer.reason}")
    return answer


def _started(workitem: WorkitemRow) -> datetime:
    return datetime.fromtimestamp(workitem.started_at or workitem.created_at, UTC)


def result_instance(one: Encoded) -> fhir.ResultInstance:
    return fhir.ResultInstance(
        str(one.dataset.SOPClassUID),
        str(one.dataset.SOPInstanceUID),
        str(one.dataset.SeriesInstanceUID),
        int(one.dataset.SeriesNumber),
        str(one.dataset.Modality),
        str(one.dataset.get("SeriesDescription", "")),
    )


def _reference(one: Encoded) -> ups.InstanceReference:
    return ups.InstanceReference(
        str(one.dataset.SOPClassUID),
        str(one.dataset.SOPInstanceUID),
        str(one.dataset.SeriesInstanceUID),
    )


def _note_steps(session: Session, workitem: WorkitemRow, watch: Stopwatch) -> None:
    for name, seconds in watch.seconds.items():
        note(
            session,
            workitem.study_instance_uid,
            "step",
            {"name": name, "seconds": round(seconds, 3)},
            workitem_uid=workitem.sop_instance_uid,
            at=watch.ended_at[name],
        )

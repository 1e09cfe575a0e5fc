"""The story of one workitem: fetch a series, run a model on it, give back what it found."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from pydicom import Dataset
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from adapters.archive import Archive
from adapters.runtimes.pool import ModelPool
from gateway import air, no_result, shadow, superseding, taking_back, worklist
from gateway.analysis import Stopwatch, analyse, objects_of
from gateway.chains.given import findings_for
from gateway.chains.kept import keep_wanted, written_if_wanted
from gateway.equipment import EQUIPMENT
from gateway.errors import NotFound
from gateway.failures import (
    DATABASE_AWAY,
    MAXIMUM_ATTEMPTS,
    ClaimLost,
    Kind,
    ResultNotKept,
    back_off,
    is_final,
    kind_of,
    outcome_of,
    reason_of,
)
from gateway.fhir.repository import put_all
from gateway.ingest import Ingest, Kept, Part
from gateway.ingest import Refused as NotKept
from gateway.jobs import Job, Jobs
from gateway.outcomes import Outcome
from gateway.outputs import Encoded
from gateway.registry import RegisteredModel, Registry
from gateway.source import SourceSeries
from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.tables import InstanceRow, WorkitemRow
from gateway.watch import Watch
from standards import fhir, ups
from standards.analysis import Analysis, Result, Superseded

log = logging.getLogger(__name__)

Answered = TypeVar("Answered")


@dataclass(frozen=True)
class Answer:
    """A result, the objects that carry it, and what the archive made of them.

    decoders: who read the compressed instances of its inputs.
    findings: as a file, where other work waits for them.
    """

    result: Result
    objects: list[Encoded]
    kept: list[Kept]
    decoders: Sequence[Mapping[str, object]] = ()
    findings: bytes | None = None


@dataclass(frozen=True)
class NoAnswer:
    """That there is no result, and the objects that say so in the study.

    analysis: None where its input is gone from the index.
    """

    outcome: Outcome
    reason: str
    analysis: Analysis | None
    objects: list[Encoded]


@dataclass(frozen=True)
class Pipeline:
    """Everything that one workitem meets on its way."""

    database: Database
    archive: Archive
    ingest: Ingest
    registry: Registry
    models: ModelPool
    jobs: Jobs
    root_url: str
    worker: str = ""  # executor id, for the trace

    def perform(self, job: Job, *, counts: bool = True) -> bool:
        """Bring one workitem to its end, or put it off. Raises what an absent database raises.

        counts: whether this is an attempt of its own. Whether it had one of a number of places,
        which another may have now (gateway/places.py).
        """
        workitem = worklist.claim(
            self.database, job.workitem_uid, job.put_offs, counts=counts, worker=self.worker
        )
        if workitem is None:
            return False
        with bound_contextvars(
            workitem=workitem.sop_instance_uid, study=workitem.study_instance_uid
        ):
            self._attempt(workitem)
        return workitem.concurrency is not None

    def _attempt(self, workitem: WorkitemRow) -> None:
        if workitem.attempts > MAXIMUM_ATTEMPTS:
            reason = "given up: every attempt ended with its worker"
            self._end(workitem, Outcome.FAILED, reason)
            return
        try:
            self._perform(workitem)
        except DATABASE_AWAY:
            raise
        except ClaimLost as lost:
            log.info("work was stopped: %s", lost)
        except Exception as error:  # whatever a series or a model brings: the work goes on or ends
            self._fail(workitem, error)

    def _perform(self, workitem: WorkitemRow) -> None:
        watch, wanted = Stopwatch(), Watch(self.database, workitem)
        wanted()
        model = self._model(workitem)
        findings = self._findings(workitem, model)
        named = worklist.named_inputs(self.database, workitem)
        name, source, others = self._sources(named, model)
        predict = partial(
            self.models.predict,
            self.registry.loadable(model),
            timeout_seconds=model.card.resources.timeout_seconds,
            pixels=sum(_pixels(row) for rows in named.values() for row in rows),
            name=name,
            others={**_contents(others), **_files(findings)},
            watch=wanted,
        )
        result = analyse(
            predict,
            model,
            source,
            _started(workitem),
            watch,
            again=worklist.repetition(workitem, model),
            supersedes=self._superseded(workitem),
        )
        with watch.step("encode"):
            objects = list(objects_of(result, source))
        with watch.step("archive"):  # after, not beside: two busy threads took longer than one
            kept = [] if shadow.is_apart(workitem) else [self._keep(one) for one in objects]
        decoders = [
            {"input": of, **told}
            for of, series in ((name, source), *others.items())
            for told in series.decoders.told()
        ]
        with self.database.read() as session:
            content = written_if_wanted(session, workitem.sop_instance_uid, result.findings)
        self._publish(workitem, model, Answer(result, objects, kept, decoders, content), watch)

    def _sources(
        self, named: Mapping[str, Sequence[InstanceRow]], model: RegisteredModel
    ) -> tuple[str, SourceSeries, dict[str, SourceSeries]]:
        """The first input, on which results are drawn, by its name; and the others by theirs."""
        sources: dict[str, SourceSeries] = {}
        for given, rows in named.items():
            name = given or model.card.series[0].name
            reads = [partial(self.archive.read, row.archive_key) for row in rows]
            sources[name] = SourceSeries(reads, model.card.input(name).kind)
        name = next(iter(sources))
        return name, sources.pop(name), sources

    def _findings(self, workitem: WorkitemRow, model: RegisteredModel) -> Mapping[str, bytes]:
        """Of other models, by the names of the inputs. Raises NotPerformed."""
        with self.database.read() as session:
            return findings_for(session, workitem, model.card)

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
        resources, outputs = [], []
        if not shadow.is_apart(workitem):
            with watch.step("FHIR"):
                resources = fhir.resources(answer.result, self._references(answer.objects))
            outputs = [_reference(one) for one in answer.objects]
        with self.database.write() as session:
            results = air.tree(answer.result, answer.objects, resources, answer.decoders)
            _note_steps(session, workitem, watch)
            if not worklist.complete(session, workitem, model.performer, outputs, results):
                taking_back.results(session, workitem, answer.kept)
                return  # another worker took over and was faster, or the work was withdrawn
            uid, findings = workitem.sop_instance_uid, answer.result.findings
            keep_wanted(session, uid, findings, answer.findings)
            if shadow.is_apart(workitem):
                shadow.keep(session, uid, answer.objects)
                return
            self._index(session, workitem, answer.kept)
            put_all(session, resources, uid)
            superseding.take_place(session, workitem)

    def _fail(self, workitem: WorkitemRow, error: Exception) -> None:
        kind, reason = kind_of(error), reason_of(error)
        if kind is Kind.UNEXPECTED:
            told = {"workitem": workitem.sop_instance_uid}
            log.error("attempt ended unexpectedly", extra=told, exc_info=error)
        retries = self._model(workitem).card.resources.retries if kind is Kind.MODEL else 0
        if is_final(kind, workitem.attempts, retries):
            self._end(workitem, outcome_of(error), reason)
        else:
            self._put_off(workitem, reason, counts=kind is not Kind.TRANSIENT)

    def _put_off(self, workitem: WorkitemRow, reason: str, *, counts: bool) -> None:
        pause = back_off(workitem.put_offs)
        with self.database.write() as session:
            if worklist.put_off(session, workitem, reason, pause, counts=counts):
                self.jobs.enqueue(session, workitem.sop_instance_uid)

    def _end(self, workitem: WorkitemRow, outcome: Outcome, reason: str) -> None:
        """No result is a result: said in the worklist, in FHIR and, if asked for, in an SR.

        Where the archive is away the work is put off; where it will not have the SR, the reason
        says so. If the input is gone from the index, there is no subject for FHIR or SR.
        """
        analysis = self._analysis(workitem, outcome)
        try:
            objects = no_result.objects_of(workitem, analysis, outcome, reason)
            self._tell(workitem, NoAnswer(outcome, reason, analysis, objects))
        except DATABASE_AWAY:
            raise
        except Exception as error:  # whatever keeps the SR away, the work has ended
            if kind_of(error) is Kind.TRANSIENT:
                self._put_off(workitem, reason_of(error), counts=False)
                return
            if not workitem.sr_without_result:
                raise
            told = {"workitem": workitem.sop_instance_uid}
            log.error("no SR says that work gave no result", extra=told, exc_info=error)
            why = f"{reason}; no SR says so: {reason_of(error)}"
            self._tell(workitem, NoAnswer(outcome, why, analysis, []))

    def _tell(self, workitem: WorkitemRow, answer: NoAnswer) -> None:
        kept = [self._keep(one) for one in answer.objects]
        resources, results = [], None
        if answer.analysis is not None:
            if not shadow.is_apart(workitem):
                references = self._references(answer.objects)
                resources = fhir.no_result(answer.analysis, answer.reason, references)
            results = air.refusal_tree(answer.analysis, answer.reason, answer.objects, resources)
        with self.database.write() as session:
            if not worklist.cancel(session, workitem, answer.outcome, answer.reason, results):
                taking_back.report(session, workitem, kept)
                return
            self._index(session, workitem, kept)
            put_all(session, resources, workitem.sop_instance_uid)
            if answer.outcome in superseding.STANDS:
                superseding.take_place(session, workitem)

    def _index(self, session: Session, workitem: WorkitemRow, kept: list[Kept]) -> None:
        for indexed in self.ingest.index(session, kept, workitem.sop_instance_uid):
            _accepted(indexed)

    def _analysis(self, workitem: WorkitemRow, outcome: Outcome) -> Analysis | None:
        try:
            model = self._model(workitem)
            rows = worklist.input_instances(self.database, workitem)
        except NotFound:
            return None
        stands = outcome in superseding.STANDS
        return Analysis(
            model.algorithm,
            EQUIPMENT,
            tuple(_header(row) for row in rows),
            _started(workitem),
            worklist.repetition(workitem, model),
            self._superseded(workitem) if stands else None,
        )

    def _superseded(self, workitem: WorkitemRow) -> Superseded | None:
        with self.database.read() as session:
            return superseding.superseded(session, workitem)

    def _model(self, workitem: WorkitemRow) -> RegisteredModel:
        return self.registry.version(workitem.model_name, workitem.model_version)

    def _references(self, objects: list[Encoded]) -> fhir.References:
        return fhir.References(
            wado_rs_root=f"{self.root_url}/dicom-web",
            instances=tuple(result_instance(one) for one in objects),
        )


def _contents(series: Mapping[str, SourceSeries]) -> dict[str, Iterable[bytes]]:
    return {name: one.contents() for name, one in series.items()}


def _files(findings: Mapping[str, bytes]) -> dict[str, Iterable[bytes]]:
    return {name: (content,) for name, content in findings.items()}


def _accepted(answer: Answered | NotKept) -> Answered:
    if isinstance(answer, NotKept):
        raise ResultNotKept(f"a result object was not kept: {answer.reason}")
    return answer


def _header(row: InstanceRow) -> Dataset:
    """As the index has it; what it calls bulk data is empty, and nobody asks for it here."""
    return Dataset.from_json(json.loads(row.header), bulk_data_uri_handler=lambda _: b"")


def _pixels(row: InstanceRow) -> int:
    return (row.rows or 0) * (row.columns or 0) * row.number_of_frames


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

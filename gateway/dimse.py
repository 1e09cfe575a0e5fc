"""C-STORE into the same ingest that STOW-RS uses; each success is given after the commit."""

import logging
from collections import defaultdict
from pathlib import Path
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from adapters.dimse import Association, serve_dimse
from adapters.dimse_status import Status
from gateway.completion.association_log import AssociationLog
from gateway.completion.notices import NoticeLog
from gateway.errors import NotConfigured
from gateway.ingest import Indexed, IndexUnavailable, Ingest, Part, Source, note_received
from gateway.settings import Settings
from standards.store_response import FailureReason, WarningReason

log = logging.getLogger(__name__)

SERVICE = "C-STORE"


class Listener:
    """Receives instances, and writes one line of trace per study when an association ends."""

    def __init__(self, ingest: Ingest, associations: AssociationLog) -> None:
        self._ingest, self._associations = ingest, associations
        self._indexed: defaultdict[Association, list[Indexed]] = defaultdict(list)

    def receive(self, association: Association, content: Path) -> Status:
        try:
            outcome = self._ingest.receive(
                [Part(content)],
                calling_ae_title=association.calling_ae_title,
                called_ae_title=association.called_ae_title,
                source_address=association.source_address,
                service=SERVICE,
            )
        except IndexUnavailable as error:
            log.error("C-STORE not taken: %s", error)
            return Status(FailureReason.OUT_OF_RESOURCES, "the index cannot be written now")
        for failed in outcome.result.failed:
            log.warning("C-STORE refused: %s", failed.reason)
            return Status(failed.failure_reason, failed.reason)
        self._indexed[association].extend(outcome.indexed)
        for study in outcome.new_studies:
            self._associations.brings(association, study)
        if outcome.result.coerced:
            return Status(WarningReason.COERCION_OF_DATA_ELEMENTS, outcome.result.warning)
        return Status()

    def ended(self, association: Association, released: bool) -> None:
        indexed = self._indexed.pop(association, None)
        if not indexed:
            return
        source = Source(SERVICE, association.calling_ae_title, association.called_ae_title)
        try:
            with self._ingest.database.write() as session:
                note_received(session, source, indexed)
                self._associations.ended(session, association, released=released)
        except SQLAlchemyError as error:  # the instances are safe, only their trace line is not
            log.error("the end of an association was not noted: %s", type(error).__name__)


class Stop(Protocol):
    """What ends the listener: a signal, or a threading.Event."""

    def wait(self) -> object: ...


def run_listener(settings: Settings, ingest: Ingest, stop: Stop) -> None:
    """Serve DIMSE at AIRGATE_DICOM until `stop` has been waited for. Raises DimseNotListening."""
    if settings.dicom_address is None:
        raise NotConfigured("AIRGATE_DICOM is `off`; set it to AET@host:port to listen for DICOM")
    title, host, port = settings.dicom_address
    largest = settings.maximum_part_mb << 20
    associations = AssociationLog(ingest.database)
    with associations.beating():
        listener = Listener(ingest, associations)
        server = serve_dimse(
            title,
            host,
            port,
            listener.receive,
            listener.ended,
            notices=NoticeLog(ingest.database),
            largest=largest,
        )
        log.info("listening for DICOM", extra={"address": settings.dicom})
        try:
            stop.wait()
        finally:
            server.shutdown()

"""A DIMSE listener in this process, for tests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pynetdicom import AE
from sqlalchemy import select

from adapters.errors import ArchiveUnavailable
from adapters.memory import MemoryArchive
from gateway.dimse import run_listener
from gateway.ingest import Ingest
from gateway.settings import Settings
from gateway.store.tables import EventRow
from tests.orthanc_server import until
from tests.postgresql import free_port


class MoodyArchive(MemoryArchive):
    away = False

    def store(self, content):
        if self.away:
            raise ArchiveUnavailable("memory", "away for the test")
        return super().store(content)


class Listening:
    def __init__(self, database, folder, **settings) -> None:
        self.database, self.archive, self.port = database, MoodyArchive(), free_port()
        address = f"AIRGATE@127.0.0.1:{self.port}"
        self.settings = Settings(data=folder, dicom=address, **settings)
        self.arrivals: list[set[str]] = []
        self.ingest = Ingest(
            database, self.archive, self.settings, lambda _, uids, __: self.arrivals.append(uids)
        )

    def rows(self, table) -> list:
        with self.database.read() as session:
            return list(session.scalars(select(table)))

    def events(self, kind: str) -> list[dict]:
        return [json.loads(row.detail) for row in self.rows(EventRow) if row.kind == kind]

    def send(self, dataset, calling="SCANNER", called="LUNG_CT") -> int:
        """C-STORE by pynetdicom; the status."""
        sender = AE(calling)
        sender.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
        association = sender.associate("127.0.0.1", self.port, ae_title=called)
        assert association.is_established
        status = association.send_c_store(dataset)
        association.release()
        return status.get("Status", -1)  # -1: no answer came


@contextmanager
def serving(listening: Listening) -> Iterator[Listening]:
    stop = threading.Event()
    thread = threading.Thread(
        target=run_listener, args=(listening.settings, listening.ingest, stop)
    )
    thread.start()
    try:
        until(lambda: _open(listening.port))
        yield listening
    finally:
        stop.set()
        thread.join()
        listening.ingest.close()


def _open(port: int) -> bool:
    echo = AE()
    echo.add_requested_context("1.2.840.10008.1.1")
    association = echo.associate("127.0.0.1", port)
    if not association.is_established:
        return False
    answer = association.send_c_echo().Status
    association.release()
    return answer == 0

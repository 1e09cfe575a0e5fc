"""How instances come in: parse, refuse what cannot be kept, archive, index; only then say so.

Bytes are durable in the archive before the index names them, and an answer of success follows the
commit. What a crash leaves between the two is bytes that nothing names: the sender was told
nothing, sends again, and the same bytes land under the same key.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from sqlalchemy.orm import Session

from adapters.archive import Archive, HasFiles
from gateway.index import Indexed, Kept, Refused, index
from gateway.keeping import Keeper, Undecided, with_values
from gateway.memory import MemoryBudget
from gateway.part import Part
from gateway.quarantine import Quarantine
from gateway.reading import Reader
from gateway.reception import IndexUnavailable, Reception, Source, StoreOutcome, note_received
from gateway.retrieve.disk_cache import DiskCache
from gateway.settings import Settings
from gateway.settling import OnArrival, Settler
from gateway.store.database import Database
from gateway.swapping import Swaps, put_in_place

__all__ = [
    "IndexUnavailable",
    "Indexed",
    "Ingest",
    "Kept",
    "Part",
    "Reception",
    "Refused",
    "Source",
    "StoreOutcome",
    "note_received",
]

ARCHIVING = 4  # parts on their way into the archive at once; Orthanc gains nothing from more


class Ingest:
    """The way in, for STOW-RS, C-STORE and the gateway's own results alike.

    on_arrival(session, study_instance_uids, now) is called in the transaction that commits new
    instances, so that an arrival is known exactly if its instances are.
    memory: for parts that wait to be archived; header_memory: for headers that wait for the index.
    copies: of large instances, for viewers; none where the archive has files of its own.
    """

    def __init__(
        self, database: Database, archive: Archive, settings: Settings, on_arrival: OnArrival
    ) -> None:
        self.database, self.archive, self.on_arrival = database, archive, on_arrival
        self.spool = settings.spool
        self.memory = MemoryBudget(settings.upload_memory_mb << 20)
        self.header_memory = MemoryBudget(settings.upload_memory_mb << 20)
        replace = settings.same_uid == "replace"
        self.reader = Reader(settings)
        self.keeper = Keeper(database, archive, self.reader, settings.spool, replace=replace)
        self.quarantine = Quarantine(settings.data / "quarantine")
        self.swaps = Swaps(database, archive, self.quarantine)
        self.settler = Settler(
            database, archive, self.quarantine, self.swaps, on_arrival, replace=replace
        )
        self.copies = None if isinstance(archive, HasFiles) else DiskCache.of(settings)
        self.threads = ThreadPoolExecutor(ARCHIVING, thread_name_prefix="ingest")

    def close(self) -> None:
        self.threads.shutdown(wait=True)

    def keep(self, parts: Iterable[Part]) -> list[Kept | Refused]:
        """Parse and archive results of our own; the index is not written.

        What an attempt that ended early left of them in the archive gives way.
        Raises ArchiveUnavailable when one cannot be stored now; what can never be is Refused.
        """
        return list(self.threads.map(self._keep, parts))

    def index(
        self,
        session: Session,
        kept: Sequence[Kept | Refused],
        created_by: str = "",
        *,
        calling_ae_title: str = "",
        called_ae_title: str = "",
    ) -> list[Indexed | Refused]:
        """Write the rows in the caller's transaction; see gateway.index."""
        return index(
            session,
            kept,
            created_by,
            archive=self.archive,
            calling_ae_title=calling_ae_title,
            called_ae_title=called_ae_title,
        )

    def receive(  # noqa: PLR0913 (who sent it)
        self,
        parts: Iterable[Part],
        *,
        study_instance_uid: str | None = None,
        calling_ae_title: str = "",
        called_ae_title: str = "",
        source_address: str = "",
        service: str = "STOW-RS",
    ) -> StoreOutcome:
        """Keep and index in one go; when this returns, what it calls stored is safe."""
        source = Source(service, calling_ae_title, called_ae_title, source_address)
        with Reception(self, source, study_instance_uid) as reception:
            for part in parts:
                if (earlier := reception.add(part)) is not None:
                    wait([earlier])
            return reception.finish()

    def _keep(self, part: Part) -> Kept | Refused:
        readable = self.reader.read(part)
        if isinstance(readable, Refused):
            return readable
        answer = self.keeper.keep(readable)
        if isinstance(answer, Undecided):
            key = put_in_place(self.archive, readable.part.content)
            return with_values(readable.kept, archive_key=key)
        return answer

"""A gateway's read side on an index of real files, over real HTTP.

gateway = Gateway(tmp_path)
gateway.store(content, ...)
with gateway.serving() as root: ...
"""

from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

from fastapi import FastAPI
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from adapters.memory import MemoryArchive
from gateway.at_hand import AtHandMiddleware
from gateway.ingest import Ingest
from gateway.keeping import Part
from gateway.middleware import add_http_middleware
from gateway.problems import add_handlers
from gateway.retrieve.retrieval import Retrieval
from gateway.routers import metadata, rendered, retrieve, search
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.migrate import migrate
from tests.serving import served


class Gateway:
    """Index, archive, and the routers of the DICOMweb read side."""

    def __init__(self, folder: Path, database_url: str | None = None, **settings: object) -> None:
        self.settings = Settings(data=folder, **settings)  # type: ignore[arg-type]
        self.database = Database(database_url or f"sqlite:///{folder / 'index.db'}")
        migrate(self.database)
        self.archive = MemoryArchive()
        self.ingest = Ingest(
            self.database, self.archive, self.settings, lambda session, studies, now: None
        )
        self.app = FastAPI()
        self.app.state.services = SimpleNamespace(
            settings=self.settings, database=self.database, archive=self.archive
        )
        self.app.state.retrieval = Retrieval.of(self.database, self.archive, self.settings)
        add_handlers(self.app)
        self.app.add_middleware(AtHandMiddleware)
        add_http_middleware(self.app, self.settings)
        for module in (search, retrieve, metadata, rendered):
            self.app.include_router(module.router)

    def store(self, *contents: bytes) -> None:
        """Take files in as STOW-RS would; every one must be kept."""
        outcome = self.ingest.receive([Part(content) for content in contents])
        assert not outcome.result.failed, outcome.result.failed

    def serving(self) -> AbstractContextManager[str]:
        """The root of a server on a free port, while the block runs."""
        return served(self.app)

    def close(self) -> None:
        self.ingest.close()
        self.database.close()


def written(dataset: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The data set as a Part 10 file."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    content = BytesIO()
    dcmwrite(content, dataset, enforce_file_format=True)
    return content.getvalue()

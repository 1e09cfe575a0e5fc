"""A gateway that only stores, over real HTTP, for the tests of STOW-RS."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TypeVar

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import func, select

from adapters.errors import ArchiveUnavailable
from adapters.memory import MemoryArchive
from gateway.app import create_app
from gateway.http_protocol import limited_http
from gateway.ingest import Ingest
from gateway.problems import add_handlers
from gateway.routers import store
from gateway.services import Services
from gateway.settings import Settings
from gateway.store.tables import InstanceRow

STUDY = "1.2.826.0.1"
MULTIPART = 'multipart/related; type="application/dicom"; boundary=BB'


class MoodyArchive(MemoryArchive):
    """An archive that can be away."""

    away = False

    def store(self, content):
        if self.away:
            raise ArchiveUnavailable("memory", "away for the test")
        return super().store(content)


class _Poster:
    """`root` is known once it is served."""

    root = ""

    def post(self, content, content_type=MULTIPART, path="/studies", **headers) -> httpx.Response:
        return httpx.post(
            f"{self.root}/dicom-web{path}",
            content=content,
            headers={"Content-Type": content_type, **headers},
            timeout=60,
        )


class Gateway(_Poster):
    def __init__(self, database, archive, folder, **limits) -> None:
        self.database, self.archive = database, archive
        self.settings = Settings(data=folder, **limits)
        self.arrivals: list[set[str]] = []
        self.ingest = Ingest(
            database, archive, self.settings, lambda _, studies, __: self.arrivals.append(studies)
        )
        self.app = FastAPI()
        self.app.state.services = SimpleNamespace(settings=self.settings, ingest=self.ingest)
        add_handlers(self.app)
        self.app.include_router(store.router)

    def count(self, table=InstanceRow) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0


class WholeGateway(_Poster):
    """The whole application, with its middleware and its token, around the services."""

    def __init__(self, services: Services) -> None:
        self.token = services.settings.token or ""
        self.app = create_app(services, self.token)
        self.ingest = services.ingest


Served = TypeVar("Served", Gateway, WholeGateway)


@contextmanager
def serving(gateway: Served) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        protocol = limited_http(256 << 10)  # as `airgate serve` speaks it
        config = uvicorn.Config(gateway.app, http=protocol, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        gateway.root = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield gateway
        finally:
            server.should_exit = True
            thread.join()
            gateway.ingest.close()


def multipart(*contents: bytes, boundary: str = "BB", preamble: bytes = b"") -> bytes:
    parts = b"".join(
        f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + content + b"\r\n"
        for content in contents
    )
    return preamble + parts + f"--{boundary}--\r\n".encode()


def reasons(reply: httpx.Response, sequence: str) -> list[int]:
    items = reply.json().get(sequence, {}).get("Value", [])
    return [item["00081197"]["Value"][0] for item in items]

"""The two servers that a piece of the bench compares, started together in a folder of their own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.data import MULTIPART, Multipart, multipart
from tests.bench.http import Connection
from tests.bench.rival import PlugIn
from tests.serving import Gateway

STORED = "00081199"  # Referenced SOP Sequence


@dataclass(frozen=True)
class Side:
    """url: of the Studies service. pid: of the process that answers HTTP."""

    url: str
    pid: int
    headers: dict[str, str] = field(default_factory=dict)

    def connect(self) -> Connection:
        return Connection(self.url, self.headers)

    def store(self, contents: Sequence[bytes]) -> None:
        """STOW-RS in one request, every instance of which must be kept."""
        with self.connect() as connection:
            stow(connection, multipart(list(contents)))


@dataclass(frozen=True)
class Sides:
    gateway: Gateway
    plug_in: PlugIn
    ours: Side
    rival: Side

    def both(self, run: int) -> Sequence[tuple[str, Side]]:
        """Either side, by turns the first, so that no one profits from its place."""
        sides = [("ours", self.ours), ("rival", self.rival)]
        return sides if run % 2 == 0 else sides[::-1]


@contextmanager
def servers(folder: Path) -> Iterator[Sides]:
    """A gateway without workers, and Orthanc with its plug-in."""
    with Gateway(folder / "airgate", workers="0") as gateway, PlugIn(folder) as plug_in:
        token = {"Authorization": f"Bearer {gateway.token}"}
        yield Sides(
            gateway,
            plug_in,
            Side(f"{gateway.url}/dicom-web", gateway.pid, token),
            Side(f"{plug_in.url}/dicom-web", plug_in.process.pid),
        )


def stow(connection: Connection, body: Multipart) -> None:
    reply = connection.post(
        "/studies", MULTIPART, body.length, body, accept="application/dicom+json"
    )
    kept = len(reply[STORED]["Value"])
    if kept != len(body.parts):
        raise SystemExit(f"{len(body.parts)} instances were sent and {kept} kept")

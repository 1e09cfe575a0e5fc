"""The whole gateway with a little of everything in it, for tests that throw requests at it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, settings

from adapters.memory import MemoryArchive
from gateway import services
from gateway.app import create_app
from gateway.keeping import Part
from gateway.services import Services
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.migrate import migrate
from standards.derived import part10
from tests.gateway.fhir_client import fill
from tests.gateway.retrieve_example import FILES, SERIES, STUDY, UIDS
from tests.series import ct_series
from tests.serving import served

TOKEN = "a-token-for-tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
# What a path parameter may be called, and what exists under such a name.
KNOWN = {
    "study": [STUDY],
    "study_instance_uid": [STUDY],
    "series": [SERIES],
    "instance": list(UIDS.values()),
    "frames": ["1", "1,2", "4"],
    "path": ["7FE00010", "54000100/1/54001010"],
    "name": ["lung_ct"],
    "resource_type": ["Patient", "ImagingStudy", "Observation"],
}
SPARE = 20  # studies that may be deleted
TIMEOUT_SECONDS = 30


def _services(folder: Path, database_url: str) -> Services:
    configured = Settings(data=folder, archive="folder", token=TOKEN)
    return services.build(configured, MemoryArchive(), Database(database_url))


# It follows from the routes alone: this application never answers a request.
DESCRIPTION = create_app(_services(Path(), "sqlite://"), TOKEN).openapi()


def bounded(examples: int) -> settings:
    """The same requests in every run; more of them where AIRGATE_FUZZ_EXAMPLES says so."""
    return settings(
        max_examples=int(os.environ.get("AIRGATE_FUZZ_EXAMPLES", examples)),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def filled_gateway(folder: Path, database_url: str) -> Iterator[str]:
    """The root of a server with images of every kind, models, FHIR resources, quarantined input."""
    parts = _services(folder, database_url)
    migrate(parts.database)
    parts.registry.add_bundled()
    fill(parts.database)
    parts.ingest.receive([Part(content) for content in FILES.values()])
    parts.ingest.receive([Part(part10(one)) for k in range(SPARE) for one in _spare(k)])
    parts.ingest.receive([Part(b"no DICOM at all")])
    with served(create_app(parts, TOKEN)) as root:
        yield root
    parts.ingest.close()
    parts.database.close()


def spare_study(number: int) -> str:
    return f"2.25.7900000.{number % SPARE + 1}"


def _spare(number: int) -> list:
    (image,) = ct_series(slices=1, rows=8, columns=8)
    image.StudyInstanceUID = spare_study(number)
    image.SeriesInstanceUID = f"{spare_study(number)}.1"
    image.SOPInstanceUID = f"{spare_study(number)}.1.1"
    return [image]

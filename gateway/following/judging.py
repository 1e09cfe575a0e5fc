"""Found instances, read out of the archive and judged as if they had just been sent."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from adapters.archive import Held
from adapters.errors import NotInArchive
from gateway.following.results import model_device_uid
from gateway.index import Kept, Refused
from gateway.part import Part, spooled
from gateway.services import Services
from standards.store_response import FailureReason

LARGEST_IN_MEMORY = 32 << 20  # bytes; larger files pass through the spool folder
NO_FILE_META = (
    "its file in the archive lacks the File Meta Information of PS3.10 7.1; "
    "send the instance through the gateway, which adds it"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """An instance that lies in the archive and is not indexed.

    fresh: models run on it as on one that was sent; else it is only indexed. logged: the archive's
    log told that it is new. Without that its study may have been through all of it before, with an
    index that was lost: then it holds results.
    """

    held: Held
    fresh: bool = True
    logged: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """device_uid: of the model that made it. created_by: as in the index."""

    found: Found
    answer: Kept | Refused
    device_uid: str = ""
    created_by: str = ""

    @property
    def key(self) -> str:
        return self.found.held.key


def judged(parts: Services, found: Found) -> Judged | None:
    """None when it has left the archive. Raises ArchiveUnavailable.

    The whole file is read: its hash is that of all content, and there are elements behind pixels.
    """
    try:
        with fetched(parts, found.held.key, found.held.size) as part:
            answer = _answer(parts, part)
    except NotInArchive:
        return None
    if isinstance(answer, Refused):
        return Judged(found, answer)
    kept = replace(answer, instance={**answer.instance, "archive_key": found.held.key})
    return Judged(found, kept, model_device_uid(kept))


@contextmanager
def fetched(parts: Services, key: str, size: int) -> Iterator[Part]:
    """The archived file. size: about how large it is, bytes. Raises NotInArchive."""
    if size <= LARGEST_IN_MEMORY:
        part = Part(parts.archive.read(key))
    else:
        part = spooled(parts.settings.spool, parts.archive.stream(key))
    try:
        yield part
    finally:
        part.discard()


def _answer(parts: Services, part: Part) -> Kept | Refused:
    try:
        readable = parts.ingest.reader.read(part)
    except Exception as error:  # whatever a file brings; it must not hold up the others
        log.exception("a found instance cannot be read")
        return Refused(FailureReason.CANNOT_UNDERSTAND, f"unreadable ({type(error).__name__})")
    if isinstance(readable, Refused):
        return readable
    if readable.part is not part:
        readable.part.discard()
        return readable.kept.refused(FailureReason.CANNOT_UNDERSTAND, NO_FILE_META)
    return readable.kept

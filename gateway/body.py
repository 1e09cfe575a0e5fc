"""The body of a store request, cut into parts as it arrives (PS3.18 10.5.2)."""

from collections.abc import Iterator
from typing import Protocol

from gateway.body_errors import EmptyBody, UnsupportedBody
from gateway.body_metadata import METADATA_TYPES, MetadataBody
from gateway.body_spool import PartWriter
from gateway.index import Refused
from gateway.memory import MemoryBudget
from gateway.part import Part
from gateway.settings import Settings
from standards.errors import LimitExceeded
from standards.media_types import MediaType
from standards.multipart import MultipartParser, PartBegin, PartData

INSTANCE = "application/dicom"


class Body(Protocol):
    """Feed it the body; it gives the parts that are whole. Use as a context manager.

    `finish` may read and write files for long. Both raise MalformedMultipart and LimitExceeded as
    standards.multipart does, and SpoolFull; `finish` EmptyBody too.
    """

    def __enter__(self) -> "Body": ...
    def __exit__(self, *_: object) -> None: ...
    def feed(self, data: bytes) -> Iterator[Part | Refused]: ...
    def finish(self) -> Iterator[Part | Refused]: ...


def body_of(media_type: MediaType, settings: Settings, memory: MemoryBudget) -> Body:
    """What reads a body of this media type. Raises UnsupportedBody, or MalformedMultipart
    where the boundary is missing."""
    if media_type.name == INSTANCE:
        return SingleBody(settings, memory)
    if media_type.name != "multipart/related":
        raise UnsupportedBody(media_type.name)
    if media_type.root not in (INSTANCE, *METADATA_TYPES):
        raise UnsupportedBody(f"{media_type.name}; type={media_type.root}")
    parser = MultipartParser(
        media_type.parameters.get("boundary", ""),
        maximum_parts=settings.maximum_parts,
        maximum_part_size=settings.maximum_part_mb << 20,
    )
    if media_type.root == INSTANCE:
        return InstancesBody(parser, settings, memory)
    return MetadataBody(parser, media_type.root, settings, memory)


class SingleBody:
    """One instance without multipart."""

    def __init__(self, settings: Settings, memory: MemoryBudget) -> None:
        self._largest = settings.maximum_part_mb << 20
        self._writer = PartWriter(settings.spool, memory)

    def __enter__(self) -> "SingleBody":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.discard()

    def feed(self, data: bytes) -> Iterator[Part]:
        self._writer.take(data)
        if self._writer.size > self._largest:
            raise LimitExceeded(f"an instance of more than {self._largest} bytes")
        return iter(())

    def finish(self) -> Iterator[Part]:
        if not self._writer.size:
            raise EmptyBody
        yield self._writer.whole()


class InstancesBody:
    """Part 10 files, one in each part."""

    def __init__(self, parser: MultipartParser, settings: Settings, memory: MemoryBudget) -> None:
        self._parser = parser
        self._writer = PartWriter(settings.spool, memory)

    def __enter__(self) -> "InstancesBody":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.discard()

    def feed(self, data: bytes) -> Iterator[Part]:
        for event in self._parser.feed(data):
            if isinstance(event, PartData):
                self._writer.take(event.data)
            elif not isinstance(event, PartBegin):
                yield self._writer.whole()

    def finish(self) -> Iterator[Part]:
        self._parser.finish()
        if not self._parser.parts:
            raise EmptyBody
        return iter(())

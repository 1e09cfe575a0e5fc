"""Metadata and bulk data in one request (PS3.18 10.5.2.2), put together as Part 10 instances.

Bulk data come after the metadata that name them, so all parts wait in the spool until the body
has ended; then one part of metadata after the other is read, and each instance written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.body_bulk import NO_PIXELS, BulkDataFault, BulkParts, Pixels
from gateway.body_errors import EmptyBody
from gateway.body_spool import PartWriter, RequestSpool
from gateway.index import Refused
from gateway.memory import MemoryBudget
from gateway.part import Part
from gateway.retrieve.forms import OCTET_STREAM
from gateway.settings import Settings
from standards.data_set_writer import encoded_data_set
from standards.dicom_json_reader import instances_of_json
from standards.dicom_xml_reader import attributes_of_xml
from standards.errors import LimitExceeded, MalformedMetadata
from standards.file_meta import file_head
from standards.media_types import parse_media_type
from standards.multipart import MultipartParser, PartBegin, PartData
from standards.store_response import FailureReason
from standards.uids import is_uid

METADATA_TYPES = ("application/dicom+json", "application/dicom+xml")

_SOP_CLASS, _SOP_INSTANCE, _STUDY = "00080016", "00080018", "0020000D"
_PIXEL_DATA, _NUMBER_OF_FRAMES, _BITS_ALLOCATED = "7FE00010", "00280008", "00280100"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Metadata:
    """One part of metadata as it lies in the spool."""

    media_type: str
    offset: int
    length: int


class MetadataBody:
    """Parts of metadata, each with one or more data sets, and the bulk data that they name."""

    def __init__(
        self, parser: MultipartParser, root: str, settings: Settings, memory: MemoryBudget
    ) -> None:
        self._parser = parser
        self._root = root
        self._largest_metadata = settings.maximum_metadata_mb << 20
        self._spool = RequestSpool(settings.spool)
        self._writer = PartWriter(settings.spool, memory)
        self._bulk = BulkParts(self._spool)
        self._metadata: list[_Metadata] = []
        self._headers: Mapping[str, str] = {}
        self._began_at = 0

    def __enter__(self) -> "MetadataBody":
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()
        self._writer.discard()

    def feed(self, data: bytes) -> Iterator[Part | Refused]:
        for event in self._parser.feed(data):
            if isinstance(event, PartBegin):
                self._headers, self._began_at = event.headers, self._spool.size
            elif isinstance(event, PartData):
                self._spool.append(event.data)
            else:
                self._note()
        return iter(())

    def finish(self) -> Iterator[Part | Refused]:
        """Each instance, or why it cannot be one. Reads and writes files: not for the loop."""
        self._parser.finish()
        found, complete = 0, True
        for metadata in self._metadata:
            try:
                instances = self._instances(metadata)
            except MalformedMetadata as error:
                complete = False
                instances = []
                yield Refused(FailureReason.CANNOT_UNDERSTAND, str(error))
            for attributes in instances:
                found += 1
                yield self._instance(attributes)
        if complete and not found:
            raise EmptyBody
        if complete and self._bulk.unused:
            yield _unused(self._bulk.unused)

    def _note(self) -> None:
        """A part has ended: it is metadata by its type, or bulk data with a location."""
        length = self._spool.size - self._began_at
        default = self._root if not self._began_at else OCTET_STREAM  # the first part is metadata
        media_type = parse_media_type(self._headers.get("content-type") or default)
        if media_type.name not in METADATA_TYPES:
            location = self._headers.get("content-location", "")
            self._bulk.add(location, media_type, self._began_at, length)
            return
        if length > self._largest_metadata:
            raise LimitExceeded(f"metadata of more than {self._largest_metadata} bytes in a part")
        self._metadata.append(_Metadata(media_type.name, self._began_at, length))

    def _instances(self, metadata: _Metadata) -> list[Json]:
        content = b"".join(self._spool.read(metadata.offset, metadata.length))
        if metadata.media_type.endswith("+xml"):
            return [attributes_of_xml(content)]
        return instances_of_json(content)

    def _instance(self, attributes: Json) -> Part | Refused:
        try:
            self._write(attributes)
        except MalformedMetadata as error:
            self._writer.discard()
            return _refused(attributes, FailureReason.CANNOT_UNDERSTAND, str(error))
        except BulkDataFault as error:
            self._writer.discard()
            return _refused(attributes, error.failure_reason, str(error))
        return self._writer.whole()

    def _write(self, attributes: Json) -> None:
        """The instance as a Part 10 file, bulk data copied piece by piece."""
        pixels = self._pixels(attributes)
        if pixels.frames is None:
            attributes = _with_native_pixels(attributes)
        uids = [_uid(attributes, tag) for tag in (_SOP_CLASS, _SOP_INSTANCE)]
        if not all(uids):
            raise MalformedMetadata("SOP Class UID or SOP Instance UID is absent or not a UID")
        self._writer.take(file_head(pixels.transfer_syntax_uid, *uids))
        for piece in encoded_data_set(attributes, self._bulk.value, pixels.frames):
            for written in [piece] if isinstance(piece, bytes) else piece.read():
                self._writer.take(written)

    def _pixels(self, attributes: Json) -> Pixels:
        element = attributes.get(_PIXEL_DATA)
        uri = element.get("BulkDataURI") if isinstance(element, dict) else None
        if not isinstance(uri, str):
            return NO_PIXELS
        return self._bulk.pixels(_PIXEL_DATA, uri, _whole(attributes, _NUMBER_OF_FRAMES) or 1)


def _with_native_pixels(attributes: Json) -> Json:
    """Pixel Data of more than 8 bits are OW where they are not compressed, PS3.5 A.2."""
    element = attributes.get(_PIXEL_DATA)
    if not isinstance(element, dict) or element.get("vr") not in ("OB", "OW", "UN"):
        return attributes
    vr = "OW" if _whole(attributes, _BITS_ALLOCATED) > 8 else "OB"
    return {**attributes, _PIXEL_DATA: {**element, "vr": vr}}


def _refused(attributes: Json, failure_reason: FailureReason, reason: str) -> Refused:
    uids = (_uid(attributes, tag) for tag in (_SOP_CLASS, _SOP_INSTANCE, _STUDY))
    return Refused(failure_reason, reason, *uids)


def _unused(parts: int) -> Refused:
    reason = f"{parts} part(s) of bulk data that no metadata names by their Content-Location"
    return Refused(FailureReason.PROCESSING_FAILURE, reason)


def _uid(attributes: Json, tag: str) -> str:
    found = _first(attributes, tag)
    return found if isinstance(found, str) and is_uid(found) else ""


def _whole(attributes: Json, tag: str) -> int:
    """A whole number, given as such or as text; 0 where there is none."""
    found = _first(attributes, tag)
    return int(found) if str(found).isdecimal() and len(str(found)) < 10 else 0


def _first(attributes: Json, tag: str) -> Any:
    """The first value of an attribute whose structure nobody has judged yet."""
    element = attributes.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None

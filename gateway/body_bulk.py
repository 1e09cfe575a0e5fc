"""The bulk data parts of a store request, found by their Content-Location (PS3.18 10.5.2.2).

A location is only ever looked up among the parts of the same request; nothing is fetched.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from pydicom.uid import ExplicitVRLittleEndian

from gateway.body_spool import RequestSpool
from gateway.retrieve.forms import MEDIA_TYPES, OCTET_STREAM
from standards.data_set_writer import Stretch
from standards.jpeg_process import LOSSLESS_FIRST_ORDER, jpeg_transfer_syntax
from standards.media_types import MediaType
from standards.part10 import PIXEL_DATA
from standards.store_response import FailureReason

# Without a transfer-syntax parameter, PS3.18 8.7.3.3.2; for image/jpeg the bitstream is asked.
_DEFAULT = {
    "image/dicom-rle": "1.2.840.10008.1.2.5",
    "image/jpeg": LOSSLESS_FIRST_ORDER,
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
    "image/jpx": "1.2.840.10008.1.2.4.92",
    "image/jphc": "1.2.840.10008.1.2.4.201",
    "video/mpeg": "1.2.840.10008.1.2.4.100",
    "video/mp4": "1.2.840.10008.1.2.4.102",
}
_SAME_BYTES = ("1.2.840.10008.1.2", ExplicitVRLittleEndian)  # little endian, not compressed
_BASE = "http://request.invalid/"  # what relative locations count from; it never resolves
_FRAME = re.compile(r"(.*)/frames/([1-9][0-9]{0,8})")
MOST_REPEATED = 256 << 20  # bytes that one request may have copied a second time, or more often
_JPEG_HEADERS = 64 * 1024  # bytes in which the first scan of a JPEG bitstream should begin


class BulkDataFault(Exception):
    """Why the bulk data of one instance cannot be had from the request."""

    def __init__(
        self, found: str, failure_reason: FailureReason = FailureReason.PROCESSING_FAILURE
    ) -> None:
        self.failure_reason = failure_reason
        super().__init__(found)


@dataclass(frozen=True, slots=True)
class BulkPart:
    """One part as it lies in the spool. frame: from a location .../frames/N, else 0."""

    media_type: MediaType
    offset: int
    length: int
    frame: int = 0


@dataclass(frozen=True, slots=True)
class Pixels:
    """How the pixel data of an instance come: frames only where they are compressed."""

    transfer_syntax_uid: str
    frames: list[Stretch] | None = None


NO_PIXELS = Pixels(ExplicitVRLittleEndian)


class BulkParts:
    """The parts of one request by location."""

    def __init__(self, spool: RequestSpool) -> None:
        self._spool = spool
        self._parts: dict[str, list[BulkPart]] = {}
        self._used: set[str] = set()
        self._repeated = 0

    def add(self, location: str, media_type: MediaType, offset: int, length: int) -> None:
        name, frame = _name(location), 0
        if (numbered := _FRAME.fullmatch(name)) is not None:
            name, frame = numbered[1], int(numbered[2])
        part = BulkPart(media_type, offset, length, frame)
        self._parts.setdefault(name, []).append(part)

    @property
    def unused(self) -> int:
        """Parts that nothing has asked for yet."""
        return sum(len(parts) for name, parts in self._parts.items() if name not in self._used)

    def value(self, tag: str, uri: str) -> Stretch:
        """The value of one attribute, as it is. Raises BulkDataFault."""
        parts = self._of(tag, uri)
        if len(parts) > 1 and not parts[0].frame:
            raise BulkDataFault(f"{tag}: {len(parts)} parts have the same Content-Location")
        if int(tag, 16) in PIXEL_DATA and any(not _is_native(part) for part in parts):
            raise BulkDataFault(f"{tag}: compressed pixel data can only stand at the top level")
        self._use(tag, uri, parts)
        return self._joined(parts)

    def pixels(self, tag: str, uri: str, number_of_frames: int) -> Pixels:
        """Pixel Data (7FE0,0010) at the top level. Raises BulkDataFault.

        Compressed frames come one in each part, in their order or by the numbers of their
        locations; a video comes whole.
        """
        parts = self._of(tag, uri)
        if all(_is_native(part) for part in parts):
            return NO_PIXELS
        syntaxes = {self._transfer_syntax(part) for part in parts}
        if len(syntaxes) > 1:
            raise BulkDataFault(f"{tag}: its parts have {len(syntaxes)} transfer syntaxes")
        (syntax,) = syntaxes
        expected = 1 if MEDIA_TYPES[syntax].startswith("video/") else number_of_frames
        if len(parts) != expected:
            raise BulkDataFault(
                f"{tag}: {len(parts)} part(s) of {MEDIA_TYPES[syntax]} where {expected} were "
                "expected, one for each frame"
            )
        self._use(tag, uri, parts)
        return Pixels(syntax, [self._stretch(part) for part in parts])

    def _of(self, tag: str, uri: str) -> list[BulkPart]:
        parts = self._parts.get(_name(uri))
        if not parts:
            raise BulkDataFault(
                f"{tag}: no part of the request has its BulkDataURI as Content-Location; "
                "bulk data are not fetched from elsewhere"
            )
        numbers = [part.frame for part in parts]
        if any(numbers) and sorted(numbers) != list(range(1, len(parts) + 1)):
            raise BulkDataFault(f"{tag}: its parts are not the frames 1 to {len(parts)}, each once")
        return sorted(parts, key=lambda part: part.frame)

    def _use(self, tag: str, uri: str, parts: Sequence[BulkPart]) -> None:
        """Note the use; many instances may share what is small, such as an ICC profile."""
        if _name(uri) in self._used:
            self._repeated += sum(part.length for part in parts)
        if self._repeated > MOST_REPEATED:
            raise BulkDataFault(
                f"{tag}: the request uses more than {MOST_REPEATED} bytes of its bulk data again; "
                "send a part for each instance"
            )
        self._used.add(_name(uri))

    def _transfer_syntax(self, part: BulkPart) -> str:
        given, name = part.media_type.transfer_syntax, _image_type(part.media_type)
        if name == "image/jpeg" and given is None:
            beginning = self._spool.read(part.offset, min(part.length, _JPEG_HEADERS))
            return jpeg_transfer_syntax(b"".join(beginning)) or _DEFAULT[name]
        syntax = given or _DEFAULT.get(name, "")
        if syntax not in MEDIA_TYPES or name not in (MEDIA_TYPES[syntax], OCTET_STREAM):
            raise BulkDataFault(
                f"pixel data of {name[:64]!r} in transfer syntax {syntax[:64]!r} are not read",
                FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED,
            )
        return syntax

    def _stretch(self, part: BulkPart) -> Stretch:
        return Stretch(part.length, lambda: self._spool.read(part.offset, part.length))

    def _joined(self, parts: Sequence[BulkPart]) -> Stretch:
        def read() -> Iterator[bytes]:
            for part in parts:
                yield from self._spool.read(part.offset, part.length)

        return Stretch(sum(part.length for part in parts), read)


def _name(location: str) -> str:
    """A location as it is compared: `./a` and `a` are one."""
    try:
        return urljoin(_BASE, location.strip())
    except ValueError:  # such as http://[
        return location.strip()


def _image_type(media_type: MediaType) -> str:
    """Subtypes once began with `x-`."""
    return media_type.name.replace("/x-", "/")


def _is_native(part: BulkPart) -> bool:
    syntax = part.media_type.transfer_syntax
    return _image_type(part.media_type) == OCTET_STREAM and syntax in (None, *_SAME_BYTES)

"""The body of a store request, cut into parts as it arrives; big parts go to the spool."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from gateway.keeping import Part
from gateway.settings import Settings
from gateway.web_errors import DicomWebError
from standards.errors import LimitExceeded
from standards.media_types import MediaType
from standards.multipart import MultipartParser, PartBegin, PartData

LARGEST_IN_MEMORY = 8 << 20  # bytes of a part; a larger one is written to the spool


class UnsupportedBody(DicomWebError):
    """The media type or encoding of a request body is none that this server reads."""

    status = 415

    def __init__(self, found: str) -> None:
        super().__init__(
            f"the request body is {found[:100]!r}; send multipart/related; "
            'type="application/dicom", or application/dicom for a single instance, unencoded'
        )


class SpoolFull(DicomWebError):
    """The disk of the spool has no room for a large instance."""

    status = 507

    def __init__(self, found: str) -> None:
        super().__init__(
            f"the gateway's disk cannot take a large instance ({found}); nothing was stored, "
            "free space in the data folder and send again"
        )


class EmptyBody(DicomWebError):
    def __init__(self) -> None:
        super().__init__("the request holds no instance; send at least one")


class Body:
    """Feed it the body; it gives the parts that are whole. Use as a context manager.

    Raises UnsupportedBody for other media types, MalformedMultipart and LimitExceeded as
    standards.multipart does, SpoolFull.
    """

    def __init__(self, media_type: MediaType, settings: Settings) -> None:
        self._spool = settings.spool
        self._largest = settings.maximum_part_mb << 20
        self._parser = _parser(media_type, settings, self._largest)
        self._pieces: list[bytes] = []
        self._size = 0
        self._path: Path | None = None
        self._file: BinaryIO | None = None

    def __enter__(self) -> "Body":
        return self

    def __exit__(self, *_: object) -> None:
        """A part that never became whole leaves nothing behind."""
        if self._file is not None and self._path is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)

    def feed(self, data: bytes) -> Iterator[Part]:
        if self._parser is None:
            self._take(data)
            if self._size > self._largest:
                raise LimitExceeded(f"an instance of more than {self._largest} bytes")
            return
        for event in self._parser.feed(data):
            if isinstance(event, PartData):
                self._take(event.data)
            elif not isinstance(event, PartBegin):
                yield self._whole()

    def finish(self) -> Iterator[Part]:
        """What was the last part of a single-part body. Raises when the body broke off."""
        if self._parser is None:
            if not self._size:
                raise EmptyBody
            yield self._whole()
            return
        self._parser.finish()
        if not self._parser.parts:
            raise EmptyBody

    def _take(self, data: bytes) -> None:
        self._size += len(data)
        if self._file is not None:
            self._write(data)
            return
        self._pieces.append(data)
        if self._size > LARGEST_IN_MEMORY:
            self._open_spool()

    def _open_spool(self) -> None:
        try:
            self._spool.mkdir(parents=True, exist_ok=True)
            self._path = self._spool / f"{uuid4().hex}.part"
            self._file = self._path.open("xb")
        except OSError as error:
            raise SpoolFull(error.strerror or "") from error
        for piece in self._pieces:
            self._write(piece)
        self._pieces.clear()

    def _write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 (only called while it is open)
        try:
            self._file.write(data)
        except OSError as error:
            raise SpoolFull(error.strerror or "") from error

    def _whole(self) -> Part:
        if self._file is not None and self._path is not None:
            try:
                self._file.close()
            except OSError as error:
                raise SpoolFull(error.strerror or "") from error
            part = Part(self._path, spooled=True)
        else:
            part = Part(b"".join(self._pieces))
        self._pieces, self._size, self._path, self._file = [], 0, None, None
        return part


def _parser(media_type: MediaType, settings: Settings, largest: int) -> MultipartParser | None:
    """The parser for this media type, None for a single instance."""
    if media_type.name == "application/dicom":
        return None
    if media_type.name != "multipart/related" or media_type.root != "application/dicom":
        raise UnsupportedBody(f"{media_type.name}; type={media_type.root}")
    return MultipartParser(
        media_type.parameters.get("boundary", ""),
        maximum_parts=settings.maximum_parts,
        maximum_part_size=largest,
    )

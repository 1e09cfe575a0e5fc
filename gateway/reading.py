"""Reading and judging one instance, in bounded memory whatever was sent."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock

from gateway.coercing import Coercer
from gateway.index import Kept, Refused, kept_instance
from gateway.part import Part, spooled
from gateway.settings import Settings
from standards.coercion import Coercion, same_as_sent, times_of_coercion
from standards.dicom_json import header_attributes
from standards.errors import HeaderTooLarge, NotDicom
from standards.file_meta import file_head
from standards.limits import Limits
from standards.part10 import Buffer, Header, read_header
from standards.storable import why_not_storable
from standards.store_response import FailureReason

SMALL_HEADER = 32 << 20  # bytes of memory that several headers may take at one time
_INFLATED_IN_MEMORY = 8 << 20  # bytes of a deflated data set; more goes to the spool
_COMPARED = 1 << 20  # bytes compared at once
_DEFLATED = "1.2.840.10008.1.2.1.99"


@dataclass(frozen=True, slots=True)
class Readable:
    """An instance that may be kept. `kept` lacks its archive key yet."""

    part: Part
    kept: Kept


@dataclass(frozen=True, slots=True)
class _Judged:
    """coercion: what is to be changed before it is kept, if that was asked for."""

    header: Header
    kept: Kept | Refused
    coercion: Coercion | None = None


class Reader:
    """Reads instances within the limits of the settings. Safe among threads.

    Headers that take much memory are read one at a time.
    """

    def __init__(self, settings: Settings) -> None:
        self._spool = settings.spool
        memory = settings.maximum_header_mb << 20
        inflated = settings.maximum_inflated_data_set_mb << 20
        self._limits = Limits(memory=memory, inflated=inflated, leave_bulk=True)
        self._small = replace(self._limits, memory=min(memory, SMALL_HEADER))
        self._one_large = Lock()
        issuer = settings.issuer_of_patient_id
        self._coercer = Coercer(issuer, settings.spool, self._scratch, inflated)

    def read(
        self, part: Part, study_instance_uid: str | None = None, *, coerce: bool = False
    ) -> Readable | Refused:
        """Parse and judge one instance.

        study_instance_uid: the study that the request names, if it names one (PS3.18 10.5.1.1).
        coerce: change what the settings want changed; then the part is another one than was given.
        """
        try:
            judged = self._judged(part)
        except NotDicom as error:
            return Refused(FailureReason.CANNOT_UNDERSTAND, str(error))
        kept = judged.kept
        if isinstance(kept, Refused):
            return kept
        if study_instance_uid not in (None, kept.identity.study_instance_uid):
            return kept.refused(
                FailureReason.PROCESSING_FAILURE,
                "the instance belongs to another study than the one that the request names",
            )
        if coerce and judged.coercion is not None:
            return self._changed(part, judged.header, kept, judged.coercion)
        return self._whole(part, judged.header, kept)

    def same(self, part: Part, other: Part) -> bool:
        """Whether two are one instance, however its sequences and paddings are written."""
        with part.opened() as one, other.opened() as two:
            try:
                return self._same(one, two, self._small)
            except HeaderTooLarge:
                with self._one_large:
                    return self._same(one, two, self._limits)

    def _judged(self, part: Part) -> _Judged:
        with part.opened() as content:
            try:
                return self._judged_within(part, content, self._small)
            except HeaderTooLarge:
                with self._one_large:
                    return self._judged_within(part, content, self._limits)

    def _judged_within(self, part: Part, content: Buffer, limits: Limits) -> _Judged:
        header = read_header(content, limits, self._scratch)
        attributes = header_attributes(header)
        refused = why_not_storable(header, attributes)
        if refused is not None:
            return _Judged(header, refused)
        sha256 = _content_hash(header, part)
        kept = kept_instance(
            attributes,
            transfer_syntax_uid=header.transfer_syntax_uid,
            sha256=sha256,
            size=len(content),
            archive_key="",
        )
        return _Judged(header, kept, self._coercer.coercion(attributes, sha256))

    def _changed(
        self, part: Part, header: Header, kept: Kept, coercion: Coercion
    ) -> Readable | Refused:
        changed = self._coercer.changed(part, header, kept, coercion)
        readable = self.read(changed)
        if isinstance(readable, Refused):
            changed.discard()
            return readable
        told = replace(readable.kept, original_attributes=coercion.item)
        return Readable(readable.part, told)

    def _same(self, one: Buffer, two: Buffer, limits: Limits) -> bool:
        headers = read_header(one, limits, self._scratch), read_header(two, limits, self._scratch)
        if not same_as_sent(*headers):
            return False
        mine, theirs = _bulk(headers[0], one), _bulk(headers[1], two)
        return len(mine) == len(theirs) and all(
            _same_bytes(one, a, two, b) for a, b in zip(mine, theirs, strict=True)
        )

    @contextmanager
    def _scratch(self, pieces: Iterator[bytes]) -> Iterator[Buffer]:
        """A deflated data set while it is read: in memory while small, else in the spool."""
        first = bytearray()
        for piece in pieces:
            first += piece
            if len(first) > _INFLATED_IN_MEMORY:
                break
        else:
            yield bytes(first)
            return
        inflated = spooled(self._spool, _chain(bytes(first), pieces))
        try:
            with inflated.opened() as content:
                yield content
        finally:
            inflated.discard()

    def _whole(self, part: Part, header: Header, kept: Kept) -> Readable:
        """The instance as it came, or with the File Meta Information that it lacked."""
        if header.has_file_meta:
            return Readable(part, kept)
        known = kept.identity
        head = file_head(header.transfer_syntax_uid, known.sop_class_uid, known.sop_instance_uid)
        pieces = _chain(head, part.pieces(header.data_set_offset))
        if isinstance(part.content, bytes):
            whole = Part(b"".join(pieces), lease=part.lease)
        else:
            whole = spooled(self._spool, pieces)
            part.discard()
        return Readable(whole, replace(kept, instance={**kept.instance, "size": whole.size}))


def _chain(first: bytes, rest: Iterator[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    yield first
    yield from rest


def _content_hash(header: Header, part: Part) -> str:
    """SHA-256 of the data set: the File Meta Information differs with who sends it.

    When something was changed here does not count, so that the same instance sent again, and
    changed again, is the same.
    """
    digest = hashlib.sha256()
    is_deflated = header.transfer_syntax_uid == _DEFLATED
    times = [] if is_deflated else sorted(times_of_coercion(header))
    position = header.data_set_offset
    for piece in part.pieces(position):
        digest.update(_without(times, piece, position) if times else piece)
        position += len(piece)
    return digest.hexdigest()


def _without(
    stretches: list[tuple[int, int]], piece: bytes | memoryview, position: int
) -> bytes | bytearray:
    """A piece that begins at `position`, with zeros where the stretches lie."""
    blank = bytearray(piece)
    for start, end in stretches:
        first, last = max(start - position, 0), min(end - position, len(piece))
        if first < last:
            blank[first:last] = bytes(last - first)
    return blank


def _bulk(header: Header, content: Buffer) -> list[tuple[int, int]]:
    """Where the values lie that the header does not hold, from byte to byte of the file."""
    start, pixels = header.data_set_offset, header.pixel_data
    if header.transfer_syntax_uid == _DEFLATED:
        return [(start, len(content))] if pixels or header.left else []
    found = [(left.offset, left.offset + left.length) for left in header.left]
    if pixels is not None:
        found.append((start + pixels.offset, start + pixels.offset + pixels.length))
    return sorted(found)


def _same_bytes(one: Buffer, a: tuple[int, int], two: Buffer, b: tuple[int, int]) -> bool:
    if a[1] - a[0] != b[1] - b[0]:
        return False
    shift = b[0] - a[0]
    return all(
        one[at : min(at + _COMPARED, a[1])] == two[at + shift : min(at + _COMPARED, a[1]) + shift]
        for at in range(a[0], a[1], _COMPARED)
    )

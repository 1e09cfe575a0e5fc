"""Issuer of Patient ID for instances that come without one (AIRGATE_ISSUER_OF_PATIENT_ID)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from gateway.index import Kept
from gateway.part import Part, spooled
from standards.coercion import Coercion, issuer_coercion
from standards.file_meta import file_head
from standards.part10 import Buffer, Header, Scratch, inflated
from standards.splice import spliced

_IN_MEMORY = 8 << 20  # bytes of a changed instance; a larger one is written to the spool
_PIECE = 1 << 20  # bytes copied at once


class Coercer:
    """issuer: given to instances that have none; None: nothing is changed."""

    def __init__(self, issuer: str | None, spool: Path, scratch: Scratch, inflated: int) -> None:
        self._issuer, self._spool = issuer, spool
        self._scratch, self._inflated = scratch, inflated

    def coercion(self, attributes: Mapping[str, Any], sha256: str) -> Coercion | None:
        """What is to be changed in an instance whose data set has this hash, None for nothing."""
        if self._issuer is None:
            return None
        return issuer_coercion(attributes, self._issuer, _moment(sha256))

    def changed(self, part: Part, header: Header, kept: Kept, coercion: Coercion) -> Part:
        """The instance as it is to be stored; bulk data are copied as they are.

        One that is deflated becomes Explicit VR Little Endian. Raises OSError.
        """
        with part.opened() as content:
            if header.transfer_syntax_uid != DeflatedExplicitVRLittleEndian:
                head = content[: header.data_set_offset]
                if not header.has_file_meta:
                    head = _head(header, kept)
                return self._written(part, head, content, header, coercion)
            pieces = inflated(content, header.data_set_offset, self._inflated)
            plain = replace(
                header, transfer_syntax_uid=str(ExplicitVRLittleEndian), data_set_offset=0
            )
            with self._scratch(pieces) as data_set:
                return self._written(part, _head(plain, kept), data_set, plain, coercion)

    def _written(
        self, part: Part, head: bytes, content: Buffer, header: Header, coercion: Coercion
    ) -> Part:
        pieces = _copied(head, content, spliced(content, header, coercion))
        if len(content) <= _IN_MEMORY:
            return Part(b"".join(pieces), lease=part.lease)
        return replace(spooled(self._spool, pieces), lease=part.lease)


def _head(header: Header, kept: Kept) -> bytes:
    known = kept.identity
    return file_head(header.transfer_syntax_uid, known.sop_class_uid, known.sop_instance_uid)


def _copied(head: bytes, content: Buffer, pieces: Iterator[bytes | slice]) -> Iterator[bytes]:
    yield head
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        for start in range(piece.start, piece.stop, _PIECE):
            yield content[start : min(start + _PIECE, piece.stop)]


@lru_cache(4096)
def _moment(_: str) -> str:
    """Now, as DT; one content that comes from several senders at one time is changed alike."""
    return datetime.now(UTC).strftime("%Y%m%d%H%M%S.%f+0000")

"""The headers of a study, series or instance, out of the index (PS3.18 10.4.1.1.2)."""

import json
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import bindparam, select

from gateway.retrieve.links import series_url, with_links
from gateway.retrieve.located import Scope, Stamp, stamps
from gateway.retrieve.retrieval import Answer
from gateway.store.database import Database
from gateway.store.tables import InstanceRow
from gateway.web_errors import NotAcceptable
from standards import dicom_xml
from standards.dicomweb import MultipartWriter
from standards.media_types import MediaType

DICOM_JSON = "application/dicom+json"
JSON = (DICOM_JSON, "application/json")
OFFERED = (*JSON, f'multipart/related; type="{dicom_xml.MEDIA_TYPE}"')

_AT_ONCE = 250  # headers in memory and in one SELECT
_PIECE = 64 * 1024  # bytes of XML
_HEADERS = select(InstanceRow.sop_instance_uid, InstanceRow.header).where(
    InstanceRow.sop_instance_uid.in_(bindparam("uids", expanding=True))
)


def metadata(database: Database, scope: Scope, accepted: Sequence[MediaType], root: str) -> Answer:
    """Every attribute of every instance: one DICOM JSON array, or XML with one part for each.

    root:  what gateway.public_url.public_root gives.
    Raises NoSuchResource, NotAcceptable. Read in short transactions, since a slow client must
    not keep the database from cleaning up.
    """
    located = stamps(database, scope)
    media_type = _chosen(accepted)
    headers = _headers(database, located, root, scope.study)
    if media_type in JSON:
        return Answer(media_type, _array(headers), located)
    writer = MultipartWriter(media_type)
    instances = (json.loads(header) for batch in headers for header in batch)
    body = _gathered(writer.body(dicom_xml.native_parts(instances)))
    return Answer(writer.content_type, body, located)


def _chosen(accepted: Sequence[MediaType]) -> str:
    for media_type in accepted:
        if media_type.is_multipart:
            if media_type.covers(dicom_xml.MEDIA_TYPE):
                return dicom_xml.MEDIA_TYPE
            continue
        for name in JSON:
            if media_type.covers(name):
                return name
    raise NotAcceptable("metadata", ", ".join(OFFERED))


def _array(batches: Iterable[list[bytes]]) -> Iterator[bytes]:
    opening = b"["
    for headers in batches:
        if headers:
            yield opening + b",".join(headers)
            opening = b","
    yield b"]" if opening == b"," else b"[]"


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Larger pieces: each one that is sent costs a change of threads."""
    gathered, size = [], 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join(gathered)


def _headers(
    database: Database, located: Sequence[Stamp], root: str, study: str
) -> Iterator[list[bytes]]:
    """The headers with links, in batches, in the order of `located`."""
    for start in range(0, len(located), _AT_ONCE):
        batch = located[start : start + _AT_ONCE]
        uids = [each.sop_instance_uid for each in batch]
        with database.read() as session:
            found = dict(session.execute(_HEADERS, {"uids": uids}).tuples().all())
        urls = {uid: series_url(root, study, uid) for uid in {each[0] for each in batch}}
        yield [
            with_links(found[uid], f"{urls[series]}/instances/{uid}")
            for series, uid, *_ in batch
            if uid in found  # deleted in the meantime
        ]

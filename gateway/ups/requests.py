"""What requests of the Worklist Service carry: a data set, and UIDs in any published spelling.

The Transaction UID of an update stood in the body first, then in the query under names that
changed with the editions, at last bare: `?{transaction-uid}` (PS3.18 11.6.1).
"""

import uuid
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request

from gateway.body_coding import content_coding, decoded
from gateway.search.query_string import pairs
from gateway.ups.errors import NotOneDataSet, UnsupportedWorkitem, UnusableUid
from standards.dicom_json_reader import instances_of_json
from standards.dicom_xml_reader import attributes_of_xml
from standards.media_types import MediaType, parse_media_type
from standards.multipart import MultipartParser, PartData
from standards.uids import is_uid
from standards.ups_attributes import SOP_INSTANCE_UID, TRANSACTION_UID
from standards.ups_rules import canonical, text_of

Json = dict[str, Any]

LARGEST = 1 << 20  # bytes of a data set, inflated
MEDIA_TYPES = (
    "application/dicom+json",
    "application/json",
    "application/dicom+xml",
    'multipart/related; type="application/dicom+xml"',
    'multipart/related; type="application/dicom+json"',
)
_XML = "application/dicom+xml"
_JSON = ("application/dicom+json", "application/json")
_TRANSACTION = frozenset(("transactionuid", "transaction"))
_WORKITEM = frozenset(("workitem", "workitemuid", "affectedsopinstanceuid", "sopinstanceuid"))


async def data_set(request: Request) -> Json:
    """The only data set of the body, in the form of standards.ups_rules.canonical.

    A dependency of routes. {} where there is no body at all. Raises UnsupportedWorkitem,
    NotOneDataSet, MalformedMetadata, MalformedMultipart, LimitExceeded, InvalidWorkitem.
    """
    coding = content_coding(request.headers.get("content-encoding", ""))
    content = await _whole(decoded(request.stream(), coding, LARGEST))
    if not content:
        return {}
    header = request.headers.get("content-type", "")
    media_type = parse_media_type(header)
    if media_type.is_multipart:
        content = _only_part(content, media_type)
    if media_type.root == _XML:
        found = [attributes_of_xml(content)]
    elif media_type.root in _JSON:
        found = instances_of_json(content)
    else:
        raise UnsupportedWorkitem(header)
    if len(found) != 1:
        raise NotOneDataSet(len(found))
    return canonical(found[0])


def workitem_uid(request: Request, given: Json) -> str:
    """Of a workitem that is to be created: of the query, else of the data set, else a new one.

    Raises UnusableUid where the two differ, or are no UIDs.
    """
    asked = _asked(request, _WORKITEM, "workitem UID")
    told = text_of(given, SOP_INSTANCE_UID)
    if asked and told and asked != told:
        raise UnusableUid("workitem UID", "the same one in query and data set")
    return _checked(asked or told or f"2.25.{uuid.uuid4().int}", "workitem UID")


def transaction_uid(request: Request, given: Json) -> str:
    """Of the query or of the data set, "" where neither has one. Raises UnusableUid."""
    asked = _asked(request, _TRANSACTION, "Transaction UID")
    told = text_of(given, TRANSACTION_UID)
    if asked and told and asked != told:
        raise UnusableUid("Transaction UID", "the same one in query and data set")
    found = asked or told
    return _checked(found, "Transaction UID") if found else ""


def _asked(request: Request, names: frozenset[str], what: str) -> str:
    """The value under one of the names, or a UID that stands alone."""
    found = {
        value.strip() or name
        for name, value in pairs(request.scope["query_string"])
        if name.lower().replace("-", "").replace("_", "") in names or (not value and is_uid(name))
    }
    if len(found) > 1:
        raise UnusableUid(what, "one of them")
    return found.pop() if found else ""


def _checked(uid: str, what: str) -> str:
    if not is_uid(uid):
        raise UnusableUid(what, "digits and dots, 64 at most (PS3.5 9.1)")
    return uid


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    content = bytearray()
    async for chunk in chunks:
        content += chunk
    return bytes(content)


def _only_part(content: bytes, media_type: MediaType) -> bytes:
    parser = MultipartParser(
        media_type.parameters.get("boundary", ""), maximum_parts=1, maximum_part_size=LARGEST
    )
    pieces = [event.data for event in parser.feed(content) if isinstance(event, PartData)]
    parser.finish()
    return b"".join(pieces)

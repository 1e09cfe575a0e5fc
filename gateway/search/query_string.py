"""The pairs of a query string, or what is wrong with it (RFC 3986 3.4, PS3.18 8.3.4.1)."""

import re
from urllib.parse import parse_qsl

from gateway.search.errors import MalformedQuery

MOST_PARAMETERS = 100
_NO_ENCODING = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def pairs(query: bytes) -> list[tuple[str, str]]:
    """Names and values, decoded, in order. A `+` is a space, as browsers write it."""
    if _NO_ENCODING.search(query):
        raise MalformedQuery(
            "a percent sign that begins no percent-encoding", "%25 for the sign itself"
        )
    if query.count(b"&") >= MOST_PARAMETERS:
        raise MalformedQuery("too many parameters", f"at most {MOST_PARAMETERS}")
    try:
        found = parse_qsl(query.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise MalformedQuery("bytes that are not UTF-8", "percent-encoded UTF-8") from error
    return found

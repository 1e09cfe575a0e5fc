"""The status codes of each transaction, and when they are sent (PS3.2 Tables N.7-92 and on)."""

from collections.abc import Mapping

Statuses = Mapping[int, str]

_ALWAYS: Statuses = {
    401: "no token, or one that is unknown, expired or revoked",
    403: "the token's role may not do this",
    405: "the resource exists, but not with this method; Allow names those it has",
    500: "a fault of the server, told in its log",
    503: "the archive or the database cannot be reached now; Retry-After says when to try again",
}
_FOUND: Statuses = {
    404: "nothing is stored under this path, or it has no such frame, value or image",
    410: "it was deleted here, and not stored again since",
}

RETRIEVE: Statuses = {
    200: "the whole resource follows",
    206: "the part of a single instance or value that Range asks for follows",
    304: "the client has it already: If-None-Match or If-Modified-Since holds",
    400: "a query parameter, or the frame list in the path, cannot be read",
    406: "none of the media types and transfer syntaxes in Accept can be given",
    413: "the picture asked for is larger than this server makes",
    416: "there is no byte in the range asked for",
    **_FOUND,
    **_ALWAYS,
}
STORE: Statuses = {
    200: "every instance is stored; some may have been coerced, which the answer tells",
    202: "some instances are stored, and the answer tells why others are not",
    400: "nothing is stored: the body, or every part of it, cannot be read",
    406: "the answer cannot be given in the media types of Accept",
    409: "nothing is stored; the answer tells each instance's Failure Reason",
    413: "the body exceeds a limit of the settings; nothing is stored",
    415: "the media type or content coding of the body is not supported",
    507: "there is no room on the disk; nothing is stored",
    **_ALWAYS,
}
SEARCH: Statuses = {
    200: "the matches follow; an empty list when there are none",
    204: "there are no matches, where the setting `empty_search` says so",
    400: "a query parameter is unknown, malformed or given twice",
    406: "the matches cannot be given in the media types of Accept",
    413: "the search is too broad to be answered in time",
    **_ALWAYS,
}
DELETE: Statuses = {
    202: "deleted; its bytes leave the archive as soon as that lets them go",
    204: "deleted, and its bytes with it",
    **_FOUND,
    **_ALWAYS,
}
WORKITEM: Statuses = {
    200: "the workitem follows, without its Transaction UID",
    404: "no such workitem is known",
    **_ALWAYS,
}
CAPABILITIES: Statuses = {
    200: "the description follows",
    406: "it cannot be given in the media types of Accept",
    **{status: _ALWAYS[status] for status in (401, 500, 503)},
}

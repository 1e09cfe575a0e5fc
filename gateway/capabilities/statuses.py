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
_BODY: Statuses = {
    413: "the body is larger than 1 MiB",
    415: "the media type or content coding of the body is not supported",
}
_NO_WORKITEM = "no such workitem is known"
_BAD_DATA_SET = "the data set cannot be read, or has what PS3.4 Table CC.2.5-3 does not allow"
CREATE_WORKITEM: Statuses = {
    201: "created in state SCHEDULED; Location tells where, Warning what was added to it",
    400: f"{_BAD_DATA_SET}: no value of type 1, or another state than SCHEDULED",
    409: "a workitem of this UID exists",
    **_BODY,
    **_ALWAYS,
}
RETRIEVE_WORKITEM: Statuses = {
    200: "the workitem follows, without its Transaction UID",
    404: _NO_WORKITEM,
    406: "it cannot be given in the media types of Accept",
    **_ALWAYS,
}
UPDATE_WORKITEM: Statuses = {
    200: "the attributes are set; Warning tells if some were passed over",
    400: f"{_BAD_DATA_SET}, or the workitem is COMPLETED or CANCELED",
    404: _NO_WORKITEM,
    409: "a Transaction UID for what nobody claimed, or none or a wrong one for what is claimed",
    **_BODY,
    **_ALWAYS,
}
CHANGE_STATE: Statuses = {
    200: "the state is as requested; Warning tells if it was before",
    400: "there is no Transaction UID, or no such state",
    404: _NO_WORKITEM,
    409: "the state cannot follow, the Transaction UID is another's, or attributes lack that the "
    "final state asks for",
    **_BODY,
    **_ALWAYS,
}
REQUEST_CANCEL: Statuses = {
    202: "what was SCHEDULED is canceled; else its performer is asked to cancel",
    400: "the data set cannot be read",
    404: _NO_WORKITEM,
    409: "it is COMPLETED, or nobody who performs it can be told",
    **_BODY,
    **_ALWAYS,
}
SUBSCRIBE: Statuses = {
    201: "subscribed; Content-Location is the WebSocket of the AE",
    400: "no AE Title, no such deletionlock, or a filter that cannot be read or is missing",
    404: _NO_WORKITEM,
    **_ALWAYS,
}
UNSUBSCRIBE: Statuses = {
    200: "the AE is told no more",
    400: "no AE Title",
    404: "the AE has no such subscription, or no such workitem is known",
    **_ALWAYS,
}
SUSPEND: Statuses = {
    200: "workitems that are created from now on no longer count",
    400: "no AE Title, or another target than the worklist",
    404: "the AE has no such subscription",
    **_ALWAYS,
}
OPEN_CHANNEL: Statuses = {
    101: "event reports follow, one DICOM JSON data set in each text frame",
    400: "no AE Title",
    426: "the request does not ask for a WebSocket",
    **_ALWAYS,
}
CAPABILITIES: Statuses = {
    200: "the description follows",
    406: "it cannot be given in the media types of Accept",
    **{status: _ALWAYS[status] for status in (401, 500, 503)},
}

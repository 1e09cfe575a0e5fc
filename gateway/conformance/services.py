"""The DICOM web services of the statement: resources, search attributes, status codes."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from pydicom.datadict import keyword_for_tag

from gateway.caching import WITH_TAG
from gateway.capabilities import statuses
from gateway.capabilities.statuses import Statuses
from gateway.capabilities.transactions import (
    PREFIX,
    STUDIES,
    TRANSACTIONS,
    WORKLIST,
    Parameter,
    Transaction,
)
from gateway.conformance.markdown import code, codes, document, table
from gateway.content_coding import CODINGS, TEXT
from gateway.cross_origin import READ, SENT
from gateway.public_url import LINK_HEADERS
from gateway.search.attributes import ALWAYS, COLUMNS, IF_KNOWN, OF_MANY, Level
from gateway.search.parameters import MAXIMUM_RESULTS
from standards.store_response import FailureReason, WarningReason

# Why an instance is refused: Failure Reason (0008,1197), and the status of C-STORE.
FAILURES: Mapping[FailureReason, str] = {
    FailureReason.PROCESSING_FAILURE: "it contradicts what is stored: other content under the same "
    "SOP Instance UID, another patient of the study, another study of the series, or another "
    "study than the request names",
    FailureReason.SOP_CLASS_NOT_SUPPORTED: "the SOP Class is no Storage SOP Class",
    FailureReason.NOT_AUTHORIZED: "the sender may not store",
    FailureReason.OUT_OF_RESOURCES: "the archive or the disk cannot take it now; send it again",
    FailureReason.DOES_NOT_MATCH_SOP_CLASS: "pixel data and their description contradict "
    "each other",
    FailureReason.CANNOT_UNDERSTAND: "it cannot be read, or its UIDs are missing or malformed",
    FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED: "the Transfer Syntax is unknown",
}
# What was stored, but not as it came: Warning Reason (0008,1196).
WARNINGS: Mapping[WarningReason, str] = {
    WarningReason.COERCION_OF_DATA_ELEMENTS: "attributes were changed; Original Attributes "
    "Sequence (0400,0561) tells from what",
}


def resources(service: str) -> str:
    """Every resource of a service with its methods and media types."""
    rows = [
        (
            method,
            code(f"{PREFIX}{path}".replace(":path", "")),
            one.name,
            one.section,
            codes(one.request),
            codes(one.response),
        )
        for (method, path), one in TRANSACTIONS.items()
        if one.service == service
    ]
    heads = ("Method", "Resource", "Transaction", "PS3.18", "takes", "gives, the default first")
    return table(heads, rows)


def parameters() -> str:
    """The query parameters of each kind of transaction."""
    told: dict[tuple[str, ...], tuple[list[Parameter], list[Transaction]]] = {}
    for one in TRANSACTIONS.values():
        names = tuple(parameter.name for parameter in one.query)
        told.setdefault(names, (list(one.query), []))[1].append(one)
    blocks = [
        document(
            ", ".join(one.name for one in using) + ":",
            table(
                ("Parameter", "Meaning", "Values"),
                [(code(one.name), one.meaning, codes(one.options)) for one in query],
            ),
        )
        for names, (query, using) in told.items()
        if names
    ]
    return document(*blocks)


def attributes() -> str:
    """What a search matches by an index, and what it returns."""
    rows = [
        (
            level.resource,
            _keywords(COLUMNS[level]) + (f", {_keywords(OF_MANY)}" if not level else ""),
            _keywords(ALWAYS[level]),
            ", ".join(".".join(_keyword(tag) for tag in path) for path in IF_KNOWN[level]),
        )
        for level in Level
    ]
    return document(
        "Any attribute that is stored can be matched, by keyword, tag or path into sequences, "
        "private ones with their creator; those named here have columns of their own. "
        "`includefield` returns any attribute that is stored. A search gives at most "
        f"{MAXIMUM_RESULTS} matches at a time; Warning 299 tells how many follow.",
        table(("Level", "Matched by a column", "Always returned", "Returned if known"), rows),
    )


def codes_of_retrieve() -> str:
    return _statuses(statuses.RETRIEVE)


def codes_of_store() -> str:
    failures = [(f"{one:04X}H", one.value, FAILURES[one]) for one in FailureReason]
    warnings = [(f"{one:04X}H", one.value, WARNINGS[one]) for one in WarningReason]
    heads = ("Code", "decimal", "when")
    return document(
        _statuses(statuses.STORE),
        "Failure Reason (0008,1197):",
        table(heads, failures),
        "Warning Reason (0008,1196):",
        table(heads, warnings),
    )


def codes_of_search() -> str:
    return _statuses(statuses.SEARCH)


def other_codes() -> str:
    return document(
        "Delete Study, Series, Instance:",
        _statuses(statuses.DELETE),
        "Retrieve Capabilities:",
        _statuses(statuses.CAPABILITIES),
        *_codes_of_worklist(),
    )


def _codes_of_worklist() -> list[str]:
    blocks: list[str] = []
    for one in TRANSACTIONS.values():
        if one.service == WORKLIST:
            blocks += [f"PS3.18 {one.section}, {one.name}:", _statuses(one.statuses)]
    return blocks


def http() -> str:
    """What of HTTP is supported beyond what PS3.18 asks."""
    return document(
        table(
            ("Feature", "Where and how"),
            [
                ("Conditional requests", f"ETag on every retrieved resource: {_TAGS}"),
                ("Ranges", "single instances as stored, and bulk data as a single part"),
                ("HEAD", "every resource that has GET; a file is not read for it"),
                ("Caching", f"{code(WITH_TAG)} with an entity tag, else {code('no-store')}"),
                ("Content codings of answers", f"{codes(CODINGS)}, by q values; text only"),
                ("Text that is coded", codes(sorted(TEXT))),
                ("Proxies", f"links follow {codes(LINK_HEADERS)} unless AIRGATE_PUBLIC_URL is set"),
                ("Cross-origin requests", f"AIRGATE_CORS_ORIGINS; may send {codes(SENT)}"),
                ("Read across origins", codes(READ)),
            ],
        )
    )


def overview() -> list[tuple[str, str, str]]:
    """Transactions of each service, for the first page."""
    kinds = dict.fromkeys((one.service, one.kind) for one in TRANSACTIONS.values())
    return [(f"{service} Service", kind, "origin server") for service, kind in kinds]


def studies() -> str:
    return resources(STUDIES)


def worklist() -> str:
    return resources(WORKLIST)


def _statuses(told: Statuses) -> str:
    rows = [(f"{status} ({HTTPStatus(status).phrase})", told[status]) for status in sorted(told)]
    return table(("Status Code", "Condition"), rows)


def _keywords(tags: Iterable[str]) -> str:
    return ", ".join(_keyword(tag) for tag in sorted(tags))


def _keyword(tag: str) -> str:
    return keyword_for_tag(int(tag, 16))


_TAGS = "strong where the same bytes come each time, weak for multipart and coded answers"

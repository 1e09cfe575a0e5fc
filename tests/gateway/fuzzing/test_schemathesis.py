"""SC-89: schemathesis asks all that the OpenAPI description allows, and much that it forbids.

Longer: AIRGATE_FUZZ_EXAMPLES=500 .venv/bin/pytest tests/gateway/fuzzing/test_schemathesis.py
"""

import json
import zlib
from typing import Any

import schemathesis

from tests.gateway.fuzzing.fuzzed import (
    DESCRIPTION,
    HEADERS,
    KNOWN,
    TIMEOUT_SECONDS,
    bounded,
    spare_study,
)

# Streams of events have no end to wait for.
schema = schemathesis.openapi.from_dict(DESCRIPTION).exclude(path_regex="/events$")


@schemathesis.serializer(
    "application/zip",
    "application/gzip",
    "application/dicom",
    "application/dicom+json",
    "application/dicom+xml",
    "multipart/related",
)
def _as_it_is(_: Any, value: Any) -> bytes:
    """Bodies whose content no schema describes: whatever was drawn, as bytes."""
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()


@schema.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any]:
    """Every other identifier is one that exists, so that requests get behind the 404."""
    method = context.operation.method.upper()
    return {
        name: _known(name, value, method) if zlib.crc32(repr(value).encode()) % 2 else value
        for name, value in (path_parameters or {}).items()
    }


def _known(name: str, value: Any, method: str) -> Any:
    if name not in KNOWN:
        return value
    number = zlib.crc32(repr(value).encode()) // 2
    if method == "DELETE":
        return spare_study(number)
    return KNOWN[name][number % len(KNOWN[name])]


@schema.parametrize()
@bounded(20)
def test_no_operation_fails_on_its_side_SC_89(case, root, session):
    """SC-89: a server error is a fault, whatever was asked."""
    response = case.call(base_url=root, headers=HEADERS, session=session, timeout=TIMEOUT_SECONDS)

    assert response.status_code < 500, response.text

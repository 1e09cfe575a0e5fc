"""/api/docs: what every path takes and gives, printed from the OpenAPI document.

FastAPI's own page loads its parts from elsewhere on the internet; a hospital's network has none.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.console.pages import page

router = APIRouter(prefix="/api", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path, as OpenAPI 3.1 describes it."""

    group: str
    method: str
    path: str
    description: str
    parameters: tuple[dict[str, Any], ...]
    bodies: tuple[str, ...]


@router.get("/docs")
def documentation(request: Request) -> Response:
    groups: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations(request.app.openapi()):
        groups[operation.group].append(operation)
    return page(request, "api.html", {"groups": groups})


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield Operation(
                operation.get("tags", ["other"])[0],
                method.upper(),
                path,
                operation.get("description") or operation.get("summary", ""),
                tuple(operation.get("parameters", ())),
                tuple(operation.get("requestBody", {}).get("content", {})),
            )

"""The page that sets two versions of a model side by side."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway.access import require_administrator
from gateway.comparison.report import Comparison, compare
from gateway.console import charts
from gateway.console.pages import page
from gateway.deps import DatabaseOf, RegistryOf

router = APIRouter(prefix="/ui/models", include_in_schema=False)

PAIRS_SHOWN = 100


@router.get("/{name}/compare")
def comparison(  # noqa: PLR0913, PLR0917 (what FastAPI gives)
    request: Request,
    name: str,
    a: str,
    b: str,
    database: DatabaseOf,
    registry: RegistryOf,
    days: Annotated[float, Query(gt=0, le=3650)] = 30,
) -> Response:
    require_administrator(request, "compare versions of models")
    found = compare(registry, database, name, (a, b), days)
    return page(request, "comparison.html", _context(found))


def _context(found: Comparison) -> dict[str, object]:
    return {
        "found": found,
        "measures": [
            (one, charts.bland_altman(one.points, one.agreement)) for one in found.measures
        ],
        "judgements": [(one, Counter(one.points)) for one in found.judgements],
        "chart": charts,
        "shown": found.pairs[:PAIRS_SHOWN],
    }

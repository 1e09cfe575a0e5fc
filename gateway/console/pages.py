"""Templates to answers: escaping on, no outside assets, and what the pages show made readable."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.responses import HTMLResponse
from starlette.templating import Jinja2Templates

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",  # the pages name patients
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

# UCUM codes that are not how people write the unit
PRINTED_UNITS = {"[hnsf'U]": "HU", "mm2": "mm²", "1": ""}

_templates = Jinja2Templates(directory=FOLDER / "templates")


def page(
    request: Request, name: str, context: Mapping[str, Any], *, status_code: int = 200
) -> HTMLResponse:
    """One page of `templates/`, with the headers that keep it to itself."""
    return _templates.TemplateResponse(
        request, name, dict(context), status_code=status_code, headers=SECURITY_HEADERS
    )


def moment(seconds: float | None) -> str:
    """Seconds since the epoch as UTC to the second."""
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float | None) -> str:
    """A length of time as a person says it: 12 ms, 3.4 s, 2 min 5 s, 1 h 3 min."""
    if seconds is None:
        return ""
    if seconds < 0.9995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def quantity(value: float) -> str:
    """A measured value with four significant digits, but never fewer than its whole part."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def printed_unit(ucum: str) -> str:
    return PRINTED_UNITS.get(ucum, ucum)


def dicom_date(value: str) -> str:
    """DA 20070404 as 2007-04-04; anything else as it came."""
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if len(value) == 8 and value.isdigit() else value


def dicom_time(value: str) -> str:
    """TM 185824.5 as 18:58."""
    return f"{value[:2]}:{value[2:4]}" if value[:4].isdigit() and len(value) >= 4 else value


_templates.env.filters.update(
    moment=moment,
    duration=duration,
    quantity=quantity,
    printed_unit=printed_unit,
    dicom_date=dicom_date,
    dicom_time=dicom_time,
)

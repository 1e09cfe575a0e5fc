"""What pydantic found wrong, for the person who sent it: places and reasons, never the values."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError


def faults(errors: Iterable[Mapping[str, Any]]) -> list[str]:
    """One `place: reason` for each; the values stay out, they may be a patient's."""
    return [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in errors]


def one_line(error: Exception) -> str:
    """An error in one line: the first fault of a schema, or all of any other message."""
    if isinstance(error, ValidationError):
        return faults(error.errors(include_url=False, include_input=False))[0]
    return " ".join(str(error).split())

"""What is wrong with a card, each fault with its place and the names that were perhaps meant."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ai_models.card import ModelCard, has_card, read_card
from ai_models.card.bundle import UnfitMetadata
from gateway.model_check.report import Report

_NAME = "card"
_Place = tuple[int | str, ...]


def checked_card(folder: Path, report: Report) -> ModelCard | None:
    """None, and the reasons are in the report, where it cannot be used."""
    if not has_card(folder):
        found = f"no card.toml in {folder}" if folder.is_dir() else f"{folder} is no folder"
        report.fail(_NAME, found, "make a folder that works with: airgate models new NAME")
        return None
    try:
        card = read_card(folder)
    except tomllib.TOMLDecodeError as error:
        report.fail(
            _NAME, f"card.toml is no TOML: {error}", "mend that line; texts stand in quotes"
        )
    except ValidationError as error:
        for fault, remedy in _faults(error):
            report.fail(_NAME, fault, remedy)
    except (UnfitMetadata, OSError, ValueError) as error:  # no UTF-8, no JSON
        report.fail(_NAME, str(error), "see docs/models.md")
    else:
        report.ok(
            _NAME, f"{card.runtime.kind} model, {card.stage}; all fields, codes and units known"
        )
        return card
    return None


def _faults(error: ValidationError) -> Iterator[tuple[str, str]]:
    errors = error.errors(include_url=False)
    places = [one["loc"] for one in errors]
    for one in errors:
        place = one["loc"]
        if one["type"] == "too_short" and any(_below(other, place) for other in places):
            continue  # its parts were not counted because of their own faults
        told, message = _told(place), one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            yield f"unknown field {told}", _perhaps(str(place[-1]))
        elif one["type"] == "missing":
            yield f"{told} is missing", f"add it; it says: {_said_of(str(place[-1]))}"
        else:
            yield f"{told}: {message}" if told else message, "see docs/models.md, The card"


def _below(place: _Place, other: _Place) -> bool:
    return len(place) > len(other) and place[: len(other)] == other


def _told(place: _Place) -> str:
    """`inputs #1, modality`: without the kinds that pydantic puts behind `runtime` and so on."""
    kind_at = {"runtime": 1, "inputs": 2, "outputs": 2}.get(str(place[0])) if place else None
    parts = [part for n, part in enumerate(place) if n != kind_at]
    words = [f" #{part + 1}" if isinstance(part, int) else f", {part}" for part in parts]
    return "".join(words).removeprefix(", ")


def _perhaps(name: str) -> str:
    fields = _fields()
    near = get_close_matches(name, fields, n=3, cutoff=0.55)
    if not near:
        return "leave it out, or see docs/card.schema.json for every field"
    return "did you mean " + " or ".join(f"{one} {fields[one]}" for one in near) + "?"


@cache
def _fields() -> Mapping[str, str]:
    """Name -> where in the card it stands."""
    schema = ModelCard.model_json_schema()
    found: dict[str, str] = {}
    for name, section, _ in _walk(schema, schema, ""):
        found.setdefault(name, f"(in [{section}])" if section else "(at the top)")
    return found


def _said_of(name: str) -> str:
    schema = ModelCard.model_json_schema()
    said = (one for field, _, one in _walk(schema, schema, "") if field == name)
    return next(said, "") or "see docs/models.md, The card"


def _walk(
    schema: Mapping[str, Any], node: Mapping[str, Any], section: str
) -> Iterator[tuple[str, str, str]]:
    """Name, section and description of every field, those of outer sections first."""
    fields: Mapping[str, Any] = node.get("properties", {})
    for name, one in fields.items():
        yield name, section, one.get("description", "")
    for name, one in fields.items():
        inner = f"{section}.{name}" if section else name
        for reference in _references(one):
            yield from _walk(schema, schema["$defs"][reference.rpartition("/")[2]], inner)


def _references(node: Any) -> Sequence[str]:
    if isinstance(node, list):
        return [one for part in node for one in _references(part)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if "$ref" in node else []
    return own + [
        one
        for key, part in node.items()
        if key not in ("$ref", "discriminator")
        for one in _references(part)
    ]

"""Rules as they are stored, which an older version may have written: one that this version cannot
use is set aside with the reason, and the others go on."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from gateway.routing.rules import Rule
from gateway.validation import one_line

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A stored rule that is not asked. stored: as the database has it, JSON."""

    name: str
    reason: str
    stored: str


Entry = Rule | SetAside


@lru_cache(maxsize=16)
def entries(body: str) -> tuple[Entry, ...]:
    """The rules of a stored set. Read once per version, not once per study."""
    return tuple(_entry(number, item) for number, item in enumerate(json.loads(body), start=1))


def written(rules: Sequence[Entry]) -> list[Any]:
    """As they are stored: a rule without what is as it would be anyway."""
    return [
        one.model_dump(mode="json", exclude_defaults=True)
        if isinstance(one, Rule)
        else json.loads(one.stored)
        for one in rules
    ]


def shown(one: Entry) -> Rule | dict[str, Any]:
    """For people and programs; `set_aside` tells why such a rule is not asked."""
    if isinstance(one, Rule):
        return one
    stored = json.loads(one.stored)
    content = stored if isinstance(stored, dict) else {"stored": stored}
    return {"name": one.name} | content | {"set_aside": one.reason}


@lru_cache(maxsize=16)
def log_once(version: int, set_aside: tuple[SetAside, ...]) -> None:
    for one in set_aside:
        told = {"rule": one.name, "rules_version": version}
        log.warning("rule is set aside: %s", one.reason, extra=told)


def _entry(number: int, item: Any) -> Entry:
    try:
        return Rule.model_validate(item)
    except ValidationError as error:
        name = item.get("name") if isinstance(item, dict) else None
        named = name if isinstance(name, str) and name else f"rule {number}"
        return SetAside(named[:80], one_line(error), json.dumps(item))

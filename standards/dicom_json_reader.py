"""Reading DICOM JSON text from outside (PS3.18 Annex F) into attributes, element dicts by tag."""

import json
from typing import Any, NoReturn

from standards.errors import MalformedMetadata

Json = dict[str, Any]

MOST_CONTAINERS = 1_000_000  # objects and arrays in one text: each takes memory however short


def instances_of_json(content: bytes) -> list[Json]:
    """The data sets of a DICOM JSON text: an array of objects, or one object alone.

    Only the outermost structure is looked at; standards.data_set_writer judges each attribute.
    Raises MalformedMetadata for what is no JSON, no UTF-8, or has a name twice in one object.
    """
    if content.count(b"{") + content.count(b"[") > MOST_CONTAINERS:
        raise MalformedMetadata(f"more than {MOST_CONTAINERS} JSON objects and arrays")
    try:
        text = content.decode("utf-8-sig")
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except MalformedMetadata:
        raise
    except UnicodeDecodeError as error:
        raise MalformedMetadata(f"text that is not UTF-8, at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise MalformedMetadata(f"no JSON: {error.msg}, at character {error.pos}") from error
    except RecursionError as error:
        raise MalformedMetadata("JSON nested too deep") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise MalformedMetadata("a number that is too long") from error
    instances = found if isinstance(found, list) else [found]
    if not all(isinstance(instance, dict) for instance in instances):
        raise MalformedMetadata("JSON that is neither an object nor an array of objects")
    return instances


def _object(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedMetadata("a name that appears twice in one JSON object")
    return found


def _no_constant(_: str) -> NoReturn:
    raise MalformedMetadata("NaN or Infinity, which JSON does not have")

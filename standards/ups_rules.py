"""What a workitem is made from, changed by and ended with, judged by PS3.4 Table CC.2.5-3.

Data sets are DICOM JSON objects (PS3.18 Annex F); `canonical` brings them into the form that all
other functions expect. Messages name attributes, never their values: they may be a patient's.
"""

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, NoReturn

from pydicom.datadict import keyword_for_tag
from pydicom.filereader import read_dataset

from standards.data_set_writer import encoded_data_set
from standards.dicom_json import attributes_of
from standards.errors import InvalidWorkitem, MalformedMetadata
from standards.query import vr_of
from standards.temporal import moments
from standards.ups import State
from standards.ups_attributes import (
    CODE_MEANING,
    CODE_VALUES,
    ENUMERATED,
    LABEL,
    MAY_LACK_ITEMS,
    OF_COMPLETED,
    PERFORMED,
    REQUIREMENTS,
    STATE,
)

Json = dict[str, Any]

DEFAULT_WORKLIST = "AIRGATE"  # where whoever orders names no worklist
_COMMAND_GROUP = "0000"


def canonical(attributes: Mapping[str, Any]) -> Json:
    """The data set with every value checked against its VR, tags in order, UTF-8.

    Raises InvalidWorkitem for command elements, which no payload may have (PS3.18 11.4.1.4), and
    for another VR than the data dictionary's; MalformedMetadata for what is no DICOM JSON.
    """
    command = sorted(tag for tag in attributes if tag.startswith(_COMMAND_GROUP))
    if command:
        raise InvalidWorkitem(f"the command element {command[0][:8]}", "no group 0000")
    encoded = b"".join(
        piece for piece in encoded_data_set(attributes, _no_bulk_data) if isinstance(piece, bytes)
    )
    found = attributes_of(read_dataset(BytesIO(encoded), False, True), largest_inline=None)
    for tag, data_set in _elements(found):
        vr, known = data_set[tag]["vr"], vr_of(tag)
        if known != "UN" and vr not in known.split(" or "):
            raise InvalidWorkitem(f"VR {vr} in {_named(tag)}", f"VR {known}")
    return found


def new_step(given: Json) -> tuple[Json, list[str]]:
    """What N-CREATE makes of the data set, and which attributes it had to add.

    given:  canonical, with SOP Class and Instance UID as they shall be. Raises InvalidWorkitem.
    """
    step = dict(given)
    added = []
    for tag, row in REQUIREMENTS.items():
        if row.create == "1" and not has_value(step, tag):
            raise InvalidWorkitem(f"no {_named(tag)}", "a value, which is of type 1")
        if row.create == "empty" and has_value(step, tag):
            raise InvalidWorkitem(f"a value of {_named(tag)}", "none when it is created")
        if row.create in ("2", "empty") and tag not in step:
            step[tag] = {"vr": vr_of(tag)}
            if row.create == "2":
                added.append(tag)
    if not has_value(step, LABEL):
        step[LABEL] = {"vr": "LO", "Value": [DEFAULT_WORKLIST]}
        added.append(LABEL)
    _check(given)
    return dict(sorted(step.items())), sorted(set(added))


def created_scheduled(given: Json) -> None:
    """Raises InvalidWorkitem (C309) for one that would begin its life in another state."""
    state = text_of(given, STATE)
    if state and state != State.SCHEDULED:
        raise InvalidWorkitem("another state than SCHEDULED", "SCHEDULED when it is created")


def changed_step(step: Json, changes: Json) -> tuple[Json, bool]:
    """What N-SET makes of it, and whether something of the changes was passed over.

    A sequence is replaced whole (PS3.4 CC.2.6.2).

    changes:  canonical, without the Transaction UID. Raises InvalidWorkitem.
    """
    kept = {tag: element for tag, element in changes.items() if not _is_servers(tag)}
    for tag in kept:
        row = REQUIREMENTS.get(tag)
        if row is None:
            continue
        if row.change == "never":
            raise InvalidWorkitem(f"{_named(tag)} in an update", "attributes that may be changed")
        if row.change == "1" and not has_value(kept, tag):
            raise InvalidWorkitem(f"no value of {_named(tag)}", "one, or the attribute left out")
    _check(kept)
    return dict(sorted({**step, **kept}.items())), len(kept) < len(changes)


def lacking_to_complete(step: Json) -> list[str]:
    """Keywords of what has no value yet that COMPLETED asks for (CC.2.5.1.1: codes R and P)."""
    required = [tag for tag, row in REQUIREMENTS.items() if row.final in ("R", "P")]
    lacking = [tag for tag in required if tag != STATE and not has_value(step, tag)]
    items = step.get(PERFORMED, {}).get("Value") or [{}]
    for item in items:
        lacking += [tag for tag in OF_COMPLETED if not _is_given(item, tag)]
    return [_named(tag) for tag in dict.fromkeys(lacking)]


def has_value(step: Mapping[str, Any], tag: str) -> bool:
    values = step.get(tag, {}).get("Value") or ()
    return any(value not in (None, "") for value in values)


def text_of(step: Mapping[str, Any], tag: str) -> str:
    """The first value as text, "" where there is none."""
    return str(step[tag]["Value"][0]) if has_value(step, tag) else ""


def _is_given(item: Mapping[str, Any], tag: str) -> bool:
    return tag in item if tag in MAY_LACK_ITEMS else has_value(item, tag)


def _is_servers(tag: str) -> bool:
    row = REQUIREMENTS.get(tag)
    return row is not None and row.change == "server"


def _check(given: Json) -> None:
    for tag, allowed in ENUMERATED.items():
        if has_value(given, tag) and text_of(given, tag) not in allowed:
            raise InvalidWorkitem(f"another value of {_named(tag)}", " or ".join(allowed))
    for tag, data_set in _elements(given):
        _check_element(tag, data_set[tag])


def _check_element(tag: str, element: Mapping[str, Any]) -> None:
    values = [value for value in element.get("Value") or () if value not in (None, "")]
    if element["vr"] == "DT" and not all(moments(str(value)) for value in values):
        raise InvalidWorkitem(f"no date and time in {_named(tag)}", "YYYYMMDDHHMMSS.FFFFFF&ZZXX")
    if element["vr"] == "SQ" and keyword_for_tag(int(tag, 16)).endswith("CodeSequence"):
        if all(_is_code(item) for item in values):
            return
        raise InvalidWorkitem(f"an incomplete code in {_named(tag)}", "Code Value and Code Meaning")


def _elements(data_set: Json) -> Iterator[tuple[str, Json]]:
    """Each attribute with the data set that holds it, those of items too."""
    for tag, element in data_set.items():
        yield tag, data_set
        if element.get("vr") == "SQ":
            for item in element.get("Value") or ():
                yield from _elements(item)


def _is_code(item: Mapping[str, Any]) -> bool:
    return has_value(item, CODE_MEANING) and any(has_value(item, tag) for tag in CODE_VALUES)


def _no_bulk_data(tag: str, _: str) -> NoReturn:
    raise MalformedMetadata(f"{tag}: bulk data, which a workitem cannot have")


def _named(tag: str) -> str:
    return f"{keyword_for_tag(int(tag, 16))} ({tag[:4]},{tag[4:]})"

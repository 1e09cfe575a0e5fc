"""Attributes of a document as words for people: texts, codes, dates, names."""

from collections.abc import Sequence
from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue


def items_of(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    found = dataset.get(keyword)
    return found if isinstance(found, Sequence) and not isinstance(found, str) else ()


def values_of(dataset: Dataset, keyword: str) -> list[Any]:
    found = dataset.get(keyword)
    if found is None or found == "":
        return []
    return list(found) if isinstance(found, MultiValue | list | tuple) else [found]


def text_of(dataset: Dataset, keyword: str) -> str:
    """A value as text. One that its VR does not allow is shown as it is, or not at all."""
    try:
        return "\\".join(str(value) for value in values_of(dataset, keyword)).strip(" \0")
    except (ValueError, TypeError, AttributeError, NotImplementedError):
        return ""


def meaning_of(dataset: Dataset, keyword: str) -> str:
    return next((text_of(code, "CodeMeaning") for code in items_of(dataset, keyword)), "")


def code_value_of(dataset: Dataset, keyword: str) -> str:
    return next((text_of(code, "CodeValue") for code in items_of(dataset, keyword)), "")


def code_of(code: Dataset) -> str:
    value = (
        text_of(code, "CodeValue")
        or text_of(code, "LongCodeValue")
        or text_of(code, "URNCodeValue")
    )
    return f"{value} {text_of(code, 'CodingSchemeDesignator')}".strip()


def shown_date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdigit() else text


def shown_time(text: str) -> str:
    whole = text.partition(".")[0]
    return ":".join(whole[place : place + 2] for place in range(0, len(whole), 2))


def shown_moment(text: str) -> str:
    if len(text) < 8:
        return text
    zone = text[-5:] if text[-5:-4] in ("+", "-") else ""
    stamp = text.removesuffix(zone)
    return " ".join(filter(None, (shown_date(stamp[:8]), shown_time(stamp[8:]), zone)))


def person_of(dataset: Dataset, keyword: str) -> str:
    """Each group of the name as people write it: family name, given names."""
    shown = []
    for group in text_of(dataset, keyword).split("="):
        family, *others = [part.strip() for part in group.split("^")]
        rest = " ".join(part for part in others if part)
        shown.append(", ".join(filter(None, (family, rest))))
    return " / ".join(filter(None, shown))

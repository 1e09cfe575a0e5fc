"""Reading what says how an image is shown, with the forgiveness that real headers need."""

from collections.abc import Sequence
from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue

_SEVERAL = (MultiValue, list, tuple)


def items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """The items of a sequence; none where it is absent, empty or no sequence."""
    element = dataset.get(keyword)
    return element if isinstance(element, Sequence) and not isinstance(element, str) else ()


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """The values of a numeric attribute; none where it is absent or empty. Raises ValueError."""
    value: Any = dataset.get(keyword)
    if value is None or value == "":
        return ()
    several = value if isinstance(value, _SEVERAL) else [value]
    return tuple(float(number) for number in several if number not in (None, ""))


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value of a numeric attribute, or None. Raises ValueError."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def text(dataset: Dataset, keyword: str) -> str:
    """A value as text, "" where it is absent; several are joined as the standard writes them."""
    value: Any = dataset.get(keyword)
    if value is None:
        return ""
    several = value if isinstance(value, _SEVERAL) else [value]
    return "\\".join(str(each) for each in several).strip()


def functional_group(dataset: Dataset, frame: int, sequence: str) -> Dataset:
    """Where the attributes of a functional group lie for one frame (PS3.3 C.7.6.16).

    frame:  from 1. An image that is not enhanced has them at its top: then that is given.
    """
    per_frame = items(dataset, "PerFrameFunctionalGroupsSequence")
    shared = items(dataset, "SharedFunctionalGroupsSequence")
    for group in (*per_frame[frame - 1 : frame], *shared[:1]):
        for item in items(group, sequence)[:1]:
            return item
    return dataset

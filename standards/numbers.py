"""Numeric attributes of a header that must be there."""

import numpy as np
from pydicom import Dataset

from standards.errors import UnfitSeries


def has(header: Dataset, keyword: str) -> bool:
    """Whether the attribute is there with a value."""
    element = header.get_item(keyword)  # raw: a value that cannot be read is there too
    return element is not None and element.value not in (None, "", b"")


def numbers(header: Dataset, keyword: str, count: int) -> np.ndarray:
    """The values of a numeric attribute. Raises UnfitSeries unless all are there and finite."""
    try:
        value = header.get(keyword)
        found = np.array([] if value in (None, "") else value, dtype=float).reshape(-1)
    except (TypeError, ValueError) as error:
        raise UnfitSeries(keyword, "text that is no number", f"{count} number(s)") from error
    if not found.size:
        raise UnfitSeries(keyword, "an image without it", "a value in every image")
    if found.size != count or not np.isfinite(found).all():
        raise UnfitSeries(keyword, f"{found.tolist()}", f"{count} finite number(s)")
    return found

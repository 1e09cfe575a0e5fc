"""Single values of an instance by the paths that its metadata give them (PS3.18 10.4.1.1.5)."""

import re

import numpy as np
from pydicom import Dataset
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag

from gateway.retrieve.errors import NoBulkData

# Bytes of one value, for the VRs that are stored in words (PS3.5 7.3).
_WIDTH = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8, "US": 2, "SS": 2, "UL": 4, "SL": 4}
_WIDTH |= {"FL": 4, "FD": 8, "SV": 8, "UV": 8}


def path_of(text: str) -> tuple[int, ...]:
    """Tag, or tag, item, tag, ... of a path such as 54000100/0/54001010. Raises NoBulkData."""
    steps = text.split("/")
    tags, items = steps[::2], steps[1::2]
    well_formed = (
        len(steps) % 2 == 1
        and all(re.fullmatch(r"[0-9A-Fa-f]{8}", tag) for tag in tags)
        and all(re.fullmatch(r"[0-9]{1,6}", item) for item in items)
    )
    if not well_formed:
        raise NoBulkData(text)
    return tuple(int(step, 10 if position % 2 else 16) for position, step in enumerate(steps))


def bulk_value(dataset: Dataset, path: tuple[int, ...]) -> bytes:
    """The bytes of one value, little endian, without anything left out or added.

    dataset:  as standards.part10.read_header gives it, its values still raw. Pixel data are not
    found there: they have frames. Raises NoBulkData when nothing lies at the path.
    """
    name = "/".join(f"{step}" if place % 2 else f"{step:08X}" for place, step in enumerate(path))
    *steps, tag = path
    for sequence, item in zip(steps[::2], steps[1::2], strict=True):
        found = _item(dataset, sequence, item)
        if found is None:
            raise NoBulkData(name)
        dataset = found
    element = dataset.get_item(BaseTag(tag))
    if not isinstance(element, RawDataElement) or element.value is None:
        raise NoBulkData(name)
    return _little_endian(element)


def _item(dataset: Dataset, sequence: int, item: int) -> Dataset | None:
    element = dataset.get(BaseTag(sequence))
    if not isinstance(element, DataElement) or element.VR != "SQ" or item >= len(element.value):
        return None
    return element.value[item]


def _little_endian(element: RawDataElement) -> bytes:
    value = element.value or b""
    width = _WIDTH.get(element.VR or "", 1)
    if element.is_little_endian or len(value) % width:
        return value
    return np.frombuffer(value, f">u{width}").astype(f"<u{width}").tobytes()

"""Findings <-> bytes: one archive of arrays (npz) with the rest as JSON in it. No pickles.

What one model found is kept so for another one: exactly as it was claimed, which carriers that
round, or draw outlines, are not.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from pydicom.sr.coding import Code

from standards.classification import Classification
from standards.errors import FindingsUnreadable
from standards.findings import Caveat, Findings, KeyImage, LabelMap, Measurement, Structure
from standards.heat_map import HeatMap
from standards.region import Region, Shape

# What may stand under `is`, and what makes a value of the rest.
_MADE_BY: Mapping[str, Callable[..., Any]] = {
    "Code": Code,
    "Shape": Shape,
    **{
        one.__name__: one
        for one in (
            Findings,
            LabelMap,
            Structure,
            Measurement,
            Classification,
            Region,
            HeatMap,
            KeyImage,
            Caveat,
        )
    },
}
_TEXT = "findings"  # what the JSON is called among the arrays
# What NumPy, zipfile, json and the values themselves raise for bytes that say something else.
_DAMAGE = (
    AttributeError,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def written(findings: Findings) -> bytes:
    """Compressed: 80 MB of a chest CT's label map become some hundred kB."""
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_plain(findings, arrays)).encode()
    content = io.BytesIO()
    arrays[_TEXT] = np.frombuffer(text, np.uint8)
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


def read(content: bytes) -> Findings:
    """What was written, equal in every value. Raises FindingsUnreadable."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            value = _value(json.loads(arrays[_TEXT].tobytes()), arrays)
    except _DAMAGE as error:
        raise FindingsUnreadable(f"{type(error).__name__}: {error}") from error
    if not isinstance(value, Findings):
        raise FindingsUnreadable(f"a {type(value).__name__}, not Findings")
    return value


def _plain(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """As JSON has it; arrays go to `arrays`, and their names into their places."""
    if isinstance(value, np.ndarray):
        name = f"array{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, Code):
        return {"is": "Code", **value._asdict()}
    if isinstance(value, StrEnum):
        return {"is": type(value).__name__, "value": value.value}
    if is_dataclass(value):
        named = {one.name: _plain(getattr(value, one.name), arrays) for one in fields(value)}
        return {"is": type(value).__name__, **named}
    if isinstance(value, tuple | list):
        return [_plain(one, arrays) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def _value(plain: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(plain, list):
        return tuple(_value(one, arrays) for one in plain)
    if not isinstance(plain, dict):
        return plain
    if "array" in plain:
        return arrays[plain["array"]]
    named = {name: _value(one, arrays) for name, one in plain.items() if name != "is"}
    return _MADE_BY[plain["is"]](**named)

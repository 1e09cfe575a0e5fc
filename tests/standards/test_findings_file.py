"""Kept findings: every kind comes back exactly, and bytes that say something else are refused."""

import io
import json
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from standards import codes
from standards.errors import FindingsUnreadable
from standards.findings import (
    Caveat,
    Classification,
    Findings,
    HeatMap,
    KeyImage,
    LabelMap,
    Measurement,
    Region,
    Shape,
    Structure,
)
from standards.findings_file import read, written

VOXELS = np.arange(24, dtype=np.uint8).reshape(2, 3, 4) % 2
LUNG = Structure("Lung", codes.ANATOMICAL_STRUCTURE, codes.LUNG, (1, 2, 255))
BOX = ((0.1, 0.2), (3.3, 2.7))
IN_SPACE = ((0.1, -1e-9, 1 / 3), (1e5, 2.0, 3.0))
EVERY_KIND = {
    "nothing": [],
    "label map": [LabelMap(VOXELS, (LUNG,))],
    "measurement of a label": [
        LabelMap(VOXELS, (LUNG,)),
        Measurement(codes.VOLUME, 1 / 3, codes.MILLILITRE, codes.LUNG, 1, decimals=3),
    ],
    "measurement of all": [Measurement(codes.VOLUME, 0.1 + 0.2, codes.MILLILITRE, codes.LUNG)],
    "classification": [
        Classification(codes.LUNG, codes.PRESENT, 1 / 3, "rätselhaft", codes.LUNG),
        Classification(codes.LUNG, codes.ABSENT),
    ],
    "regions": [
        Region(Shape.BOX, BOX, "Box", codes.LUNG, image_index=1, frame=2, probability=0.7),
        Region(Shape.POLYLINE, IN_SPACE, "Line", codes.LUNG, depth_mm=0.3, site=codes.LUNG),
        Region(Shape.POINT, IN_SPACE[:1], "Point", codes.LUNG, colour=(0, 1, 2)),
        Region(Shape.POLYGON, (*BOX, (0.0, 2.0)), "Outline", codes.LUNG, image_index=0),
    ],
    "heat map": [
        HeatMap("Map", VOXELS.astype(np.float32) / 3, codes.VOLUME, codes.MILLILITRE, (0, 1))
    ],
    "key image": [LabelMap(VOXELS, (LUNG,)), KeyImage(1, -600.5, 1500.0)],
    "caveat": [Caveat("one slice is missing")],
}


@pytest.mark.parametrize("claimed", EVERY_KIND.values(), ids=EVERY_KIND)
def test_every_kind_comes_back_exactly(claimed):
    findings = Findings.of(claimed)

    assert_same(read(written(findings)), findings)


def assert_same(found: Any, expected: Any) -> None:
    """Types too, since 1 == 1.0 == True."""
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    elif is_dataclass(expected):
        for one in fields(expected):
            assert_same(getattr(found, one.name), getattr(expected, one.name))
    elif isinstance(expected, tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == expected


@pytest.mark.parametrize("part", [0, 1, 40, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_off_is_refused(part):
    whole = written(Findings.of(EVERY_KIND["label map"]))
    end = int(part * len(whole)) if part < 1 else int(part)

    with pytest.raises(FindingsUnreadable, match="order the work that found them again"):
        read(whole[:end])


def test_a_file_with_other_bytes_in_it_is_refused():
    whole = bytearray(written(Findings.of(EVERY_KIND["caveat"])))
    whole[len(whole) // 2] ^= 0xFF

    with pytest.raises(FindingsUnreadable):
        read(bytes(whole))


def archive(said: Any, **arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    text = np.frombuffer(said if isinstance(said, bytes) else json.dumps(said).encode(), np.uint8)
    np.savez(content, allow_pickle=True, findings=text, **arrays)
    return content.getvalue()


def single(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


PICKLE = np.array([{"a": 1}], dtype=object)
HOSTILE = {
    "no findings": (archive({"is": "Caveat", "text": "alone"}), "a Caveat, not Findings"),
    "a number": (archive(7), "a int, not Findings"),
    "unknown class": (archive({"is": "system", "value": "true"}), "KeyError: 'system'"),
    "no class": (archive({"text": "alone"}), "KeyError: 'is'"),
    "unknown field": (archive({"is": "Caveat", "other": "x"}), "TypeError"),
    "impossible value": (archive({"is": "Caveat", "text": ""}), "expected 1 to 1024"),
    "missing array": (archive({"array": "voxels"}), "KeyError"),
    "pickled array": (archive({"array": "voxels"}, voxels=PICKLE), "Object arrays cannot be"),
    "no JSON": (archive(b"{"), "JSONDecodeError"),
    "deep": (archive(b"[" * 200_000), "RecursionError"),
    "no archive": (single(VOXELS), "context manager"),
    "a pickle": (b"cos\nsystem\n(S'true'\ntR.", "pickle"),
}


@pytest.mark.parametrize(("content", "told"), HOSTILE.values(), ids=HOSTILE)
def test_what_was_never_written_by_us_is_refused_by_name(content, told):
    with pytest.raises(FindingsUnreadable, match=told):
        read(content)

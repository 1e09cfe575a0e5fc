"""What a model can claim: complete values, checked when made, frozen afterwards.

Pure functions beside this file turn the same findings into every carrier (SEG, SR, GSPS, SC,
FHIR), so the carriers always agree with one another.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

import numpy as np
from pydicom.sr.coding import Code

from standards.classification import Classification
from standards.errors import StandardsError, UndescribedLabel, UnknownFinding
from standards.heat_map import HeatMap
from standards.region import Region, Shape

__all__ = [  # all that a model needs to say what it found
    "Caveat",
    "Classification",
    "Finding",
    "Findings",
    "HeatMap",
    "KeyImage",
    "LabelMap",
    "Measurement",
    "Region",
    "Shape",
    "Structure",
]


@dataclass(frozen=True, slots=True)
class Structure:
    """What one label of a label map marks (PS3.3 C.8.20.4, Segment Description).

    name: Segment Label, for people; category: CID 7150; type: CID 7151;
    colour: red, green, blue, 0-255 each, the recommended display colour.
    """

    name: str
    category: Code
    type: Code
    colour: tuple[int, int, int]

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= 64:
            raise StandardsError(
                f"a structure's name has {len(self.name)} characters; "
                "expected 1 to 64, as Segment Label (0062,0005) can hold"
            )


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single truth value
class LabelMap:
    """Voxel value k marks structures[k - 1]; 0 is background.

    voxels: uint8, (slices, rows, columns), slice i drawn on source instance i of the
        input's volume (sorted along its normal, see standards/volume.py).
    """

    voxels: np.ndarray
    structures: tuple[Structure, ...]

    def __post_init__(self) -> None:
        if self.voxels.dtype != np.uint8 or self.voxels.ndim != 3:
            raise StandardsError(
                f"a label map is {self.voxels.dtype} with {self.voxels.ndim} dimensions; "
                "expected uint8 with (slices, rows, columns)"
            )
        highest = int(self.voxels.max(initial=0))
        if highest > len(self.structures):
            raise UndescribedLabel(highest, len(self.structures))
        if len({structure.name for structure in self.structures}) < len(self.structures):
            raise StandardsError(
                "two structures have the same name; expected different ones, since a structure is "
                "tracked from object to object by its name"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as runs of equal voxels: 80 MB of a chest CT become less than one on their way
        out of a model's process.
        """
        flat = self.voxels.ravel()
        starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))[: flat.size]
        lengths = np.diff(starts, append=flat.size).astype(np.uint32)
        return _from_runs, (flat[starts], lengths, self.voxels.shape, self.structures)


def _from_runs(
    values: np.ndarray,
    lengths: np.ndarray,
    shape: tuple[int, int, int],
    structures: tuple[Structure, ...],
) -> LabelMap:
    return LabelMap(np.repeat(values, lengths).reshape(shape), structures)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number with its unit, about one structure or about the whole study (PS3.16 TID 300).

    concept: what was measured; unit: UCUM; label: the label map's voxel value that was
    measured, None when the number speaks of all structures together; site: finding site;
    derivation: CID 7464 (mean, ...) or None; decimals: digits that mean something.
    """

    concept: Code
    value: float
    unit: Code
    site: Code
    label: int | None = None
    derivation: Code | None = None
    decimals: int = 1

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise StandardsError(
                f"measurement {self.concept.meaning!r} is {self.value}; expected a finite number, "
                "or no measurement at all"
            )

    @property
    def rounded(self) -> float:
        """The value as every carrier writes it."""
        return round(self.value, self.decimals)


@dataclass(frozen=True, slots=True)
class KeyImage:
    """The slice that shows the findings best, and how to look at it.

    slice_index: into the label map; window_center, window_width: modality values (HU for CT).
    """

    slice_index: int
    window_center: float
    window_width: float


@dataclass(frozen=True, slots=True)
class Caveat:
    """A warning beside the findings: what whoever reads them must know. For people, in English."""

    text: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.text) <= 1024:
            raise StandardsError(
                f"a caveat has {len(self.text)} characters; expected 1 to 1024, "
                "as a text value of a report can hold"
            )


Finding = LabelMap | Measurement | Classification | Region | HeatMap | KeyImage | Caveat


One = TypeVar("One")


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """All that one run of a model claims about one input, sorted by kind."""

    label_map: LabelMap | None
    measurements: tuple[Measurement, ...]
    key_image: KeyImage | None
    caveats: tuple[Caveat, ...] = ()
    classifications: tuple[Classification, ...] = ()
    regions: tuple[Region, ...] = ()
    heat_maps: tuple[HeatMap, ...] = ()

    @classmethod
    def of(cls, claimed: Iterable[Finding]) -> "Findings":
        """Sort a model's answer by kind.

        Raises UnknownFinding, and StandardsError for two of what can be one.
        """
        findings = tuple(claimed)
        _check_kinds(findings)
        maps, keys = _of_kind(findings, LabelMap), _of_kind(findings, KeyImage)
        if len(maps) > 1 or len(keys) > 1:
            raise StandardsError(
                f"found {len(maps)} label maps and {len(keys)} key images; expected one of each "
                "at most: join the label maps into one"
            )
        result = cls(
            next(iter(maps), None),
            _of_kind(findings, Measurement),
            next(iter(keys), None),
            _of_kind(findings, Caveat),
            _of_kind(findings, Classification),
            _of_kind(findings, Region),
            _of_kind(findings, HeatMap),
        )
        result._check_labels()
        result._check_names()
        return result

    @property
    def claims(self) -> tuple[Finding, ...]:
        """All of them but the caveats."""
        single = (one for one in (self.label_map, self.key_image) if one is not None)
        several = (self.measurements, self.classifications, self.regions, self.heat_maps)
        return (*single, *(one for group in several for one in group))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is claimed at all; what warns, or shows, claims nothing."""
        claims = (self.measurements, self.classifications, self.regions, self.heat_maps)
        return self.label_map is None and not any(claims)

    def _check_labels(self) -> None:
        described = len(self.label_map.structures) if self.label_map else 0
        for measurement in self.measurements:
            if measurement.label is not None and not 1 <= measurement.label <= described:
                raise UndescribedLabel(measurement.label, described)
        if self.key_image is None:
            return
        slices = self.label_map.voxels.shape[0] if self.label_map else 0
        if not 0 <= self.key_image.slice_index < slices:
            raise StandardsError(
                f"the key image is slice {self.key_image.slice_index}; "
                f"expected one of the {slices} slices of the label map"
            )

    def _check_names(self) -> None:
        names = [one.name for one in self.heat_maps]
        if len(set(names)) < len(names):
            raise StandardsError(
                "two heat maps have the same name; expected different ones, since each becomes an "
                "object that is named by it"
            )


def _check_kinds(claimed: Sequence[object]) -> None:
    kinds = get_args(Finding)
    for one in claimed:
        if not isinstance(one, kinds):
            raise UnknownFinding(type(one).__name__, [kind.__name__ for kind in kinds])


def _of_kind(findings: Sequence[Finding], kind: type[One]) -> tuple[One, ...]:
    return tuple(one for one in findings if isinstance(one, kind))

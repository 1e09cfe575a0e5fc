"""Findings -> result objects: which carrier writes what, in the order viewers should meet them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from standards.analysis import Result
from standards.derived import part10
from standards.gsps import presentation_states
from standards.key_image import key_image
from standards.pm import parametric_map
from standards.seg import segmentation
from standards.sr import report


@dataclass(frozen=True)
class Encoded:
    """One result object. kind: SEG, PM (parametric map), SR, PR (presentation state) or SC."""

    kind: str
    dataset: Dataset

    def part10(self) -> bytes:
        """The object as a DICOM file (PS3.10 7)."""
        return part10(self.dataset)


def encode(result: Result, key_pixels: Callable[[int], np.ndarray]) -> Iterator[Encoded]:
    """Every object of a result; the SR, root of the AIR result tree, refers to SEG and maps.

    key_pixels: gives the modality values (rows, columns) of one slice by its index.
    """
    findings = result.findings
    seg = None
    if findings.label_map is not None:
        seg = segmentation(result)
        yield Encoded("SEG", seg)
    maps = []
    for heat_map in findings.heat_maps:
        maps.append(parametric_map(result, heat_map))
        yield Encoded("PM", maps[-1])
    yield Encoded("SR", report(result, seg, maps))
    for state in presentation_states(result):
        yield Encoded("PR", state)
    if findings.label_map is not None and findings.key_image is not None:
        pixels = key_pixels(findings.key_image.slice_index)
        yield Encoded("SC", key_image(result, pixels))

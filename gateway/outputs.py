"""Findings -> result objects: which carrier writes what, in the order viewers should meet them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from standards.analysis import Result
from standards.derived import part10
from standards.gsps import presentation_state
from standards.key_image import key_image
from standards.seg import segmentation
from standards.sr import report


@dataclass(frozen=True)
class Encoded:
    """One result object. kind: SEG, SR, PR (presentation state) or SC, as in Modality."""

    kind: str
    dataset: Dataset

    def part10(self) -> bytes:
        """The object as a DICOM file (PS3.10 7)."""
        return part10(self.dataset)


def encode(result: Result, key_pixels: Callable[[int], np.ndarray]) -> Iterator[Encoded]:
    """Every object of a result; the SR, root of the AIR result tree, refers to the SEG.

    key_pixels: gives the modality values (rows, columns) of one slice by its index.
    """
    findings = result.findings
    seg = None
    if findings.label_map is not None:
        seg = segmentation(result)
        yield Encoded("SEG", seg)
    yield Encoded("SR", report(result, seg))
    if findings.label_map is not None and findings.key_image is not None:
        yield Encoded("PR", presentation_state(result))
        pixels = key_pixels(findings.key_image.slice_index)
        yield Encoded("SC", key_image(result, pixels))

"""The input series of a model: its bytes as a stream, its headers, and single slices again."""

import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from pydicom import Dataset, dcmread

from ai_models.card import InputKind
from gateway.ahead import ahead
from gateway.retrieve.codec_processes import PROCESSES
from gateway.uncompressing import is_compressed, uncompressed
from standards.errors import UnfitSeries
from standards.frame_headers import frame_headers, number_of_frames
from standards.frame_references import SINGLE_FRAME_CLASSES
from standards.images import in_image_order
from standards.modality_values import modality_values
from standards.slice_order import in_slice_order

FETCHES = PROCESSES  # at once, one for each codec; on two cores four were slower
AHEAD = 2 * FETCHES  # instances that may wait in memory for the model's process
COMPARED = 5  # instances of a series that a second decoder reads too

Read = Callable[[], bytes]


class SourceSeries:
    """One series, each instance of which can be read again by its own call (a file, an archive).

    Nothing is kept but headers: a series may be larger than what a worker should hold.
    kind: what the model makes of it.
    """

    def __init__(self, reads: Sequence[Read], kind: InputKind = InputKind.VOLUME) -> None:
        self._reads = tuple(reads)
        self._kind = kind
        self._by_uid: dict[str, Read] = {}
        self._headers: list[Dataset] = []

    def contents(self) -> Iterator[bytes]:
        """Every instance once, its pixels uncompressed, read and decoded ahead in threads.

        Headers are kept as they pass by. Raises what reading raises, and UnfitSeries for pixels
        that cannot be decoded, or that two decoders see differently.
        """
        self._headers.clear()
        compared = _spread(len(self._reads))
        jobs = [partial(_arrived, read, n in compared) for n, read in enumerate(self._reads)]
        for read, (header, content) in zip(self._reads, ahead(jobs, FETCHES, AHEAD), strict=True):
            if self._kind is InputKind.VOLUME:
                _check_class(header)
            self._headers.append(header)
            self._by_uid[str(header.SOPInstanceUID)] = read
            yield content

    @property
    def headers(self) -> tuple[Dataset, ...]:
        """Of the instances that have passed, in the order of the stream, without pixel data."""
        return tuple(self._headers)

    def in_order(self) -> tuple[Dataset, ...]:
        """Of the slices or images, in the model's order. Raises UnfitSeries as it is told there."""
        if self._kind is InputKind.IMAGES:
            return tuple(in_image_order(self._headers))
        slices = [one for header in self._headers for one in frame_headers(header)]
        return tuple(in_slice_order(slices))

    def modality_values(self, header: Dataset) -> np.ndarray:
        """The pixels of one slice in modality values, (rows, columns)."""
        _, content = _arrived(self._by_uid[str(header.SOPInstanceUID)], compare=False)
        return modality_values(dcmread(io.BytesIO(content)), header.get("ReferencedFrameNumber", 1))


def _arrived(read: Read, compare: bool) -> tuple[Dataset, bytes]:
    content = read()
    header = dcmread(io.BytesIO(content), stop_before_pixels=True)
    if is_compressed(header):
        content = uncompressed(content, header, compare=compare)
    return header, content


def _spread(count: int) -> frozenset[int]:
    """Indices of the instances that a second decoder reads too."""
    return frozenset(round(n) for n in np.linspace(0, count - 1, COMPARED))


def _check_class(header: Dataset) -> None:
    """Raises UnfitSeries for frames of a volume that results could not refer to."""
    frames = number_of_frames(header)
    if frames > 1 and header.SOPClassUID not in SINGLE_FRAME_CLASSES:
        found = f"{header.SOPClassUID.name} of {frames} frames"
        raise UnfitSeries("SOPClassUID", found, "Enhanced CT, MR or PET, or single-frame images")

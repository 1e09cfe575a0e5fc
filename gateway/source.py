"""The input series of a model: its bytes as a stream, its headers, and single slices again."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from pydicom import Dataset, dcmread

from ai_models.card import InputKind
from gateway.ahead import ahead
from gateway.decoders_used import DecodersUsed
from gateway.retrieve.codec_processes import PROCESSES
from gateway.uncompressing import Plain, is_compressed, uncompressed
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
    kind: what the model makes of it. decoders: of the instances that have passed.
    """

    def __init__(self, reads: Sequence[Read], kind: InputKind = InputKind.VOLUME) -> None:
        self._reads = tuple(reads)
        self._kind = kind
        self._by_uid: dict[str, Read] = {}
        self._headers: list[Dataset] = []
        self.decoders = DecodersUsed()

    def contents(self) -> Iterator[bytes]:
        """Every instance once, its pixels uncompressed, read and decoded ahead in threads.

        Headers are kept as they pass by. Raises what reading raises, and UnfitSeries for pixels
        that cannot be decoded, or that two decoders see differently.
        """
        self._headers.clear()
        self.decoders = DecodersUsed()
        compared = _spread(len(self._reads))
        jobs = [partial(_arrived, read, n in compared) for n, read in enumerate(self._reads)]
        for read, one in zip(self._reads, ahead(jobs, FETCHES, AHEAD), strict=True):
            header = one.header
            if self._kind is InputKind.VOLUME:
                _check_class(header)
            if one.plain is not None:
                self.decoders.add(header.file_meta.TransferSyntaxUID, one.plain)
            self._headers.append(header)
            self._by_uid[str(header.SOPInstanceUID)] = read
            yield one.content

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
        arrived = _arrived(self._by_uid[str(header.SOPInstanceUID)], compare=False)
        instance = dcmread(io.BytesIO(arrived.content))
        return modality_values(instance, header.get("ReferencedFrameNumber", 1))


@dataclass(frozen=True, slots=True)
class _Arrived:
    """plain: of an instance that came compressed."""

    header: Dataset
    content: bytes
    plain: Plain | None


def _arrived(read: Read, compare: bool) -> _Arrived:
    content = read()
    header = dcmread(io.BytesIO(content), stop_before_pixels=True)
    if not is_compressed(header):
        return _Arrived(header, content, None)
    plain = uncompressed(content, header, compare=compare)
    return _Arrived(header, plain.content, plain)


def _spread(count: int) -> frozenset[int]:
    """Indices of the instances that a second decoder reads too."""
    return frozenset(round(n) for n in np.linspace(0, count - 1, COMPARED))


def _check_class(header: Dataset) -> None:
    """Raises UnfitSeries for frames of a volume that results could not refer to."""
    frames = number_of_frames(header)
    if frames > 1 and header.SOPClassUID not in SINGLE_FRAME_CLASSES:
        found = f"{header.SOPClassUID.name} of {frames} frames"
        raise UnfitSeries("SOPClassUID", found, "Enhanced CT, MR or PET, or single-frame images")

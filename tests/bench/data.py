"""What the bench stores: CT series that differ in nothing but their UIDs, and large objects."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
)

from standards.derived import part10
from tests.phantom import chest_phantom

UNIQUE = b"2.25.7700000.100000"  # the study whose bytes are replaced to make another one
BASE_SLICES = 12
NOISE_HU = 15
BOUNDARY = "bench-0123456789abcdef"
MULTIPART = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


def study_uid(number: int) -> str:
    return f"2.25.7700000.{100000 + number}"


def series_path(number: int) -> str:
    return f"/studies/{study_uid(number)}/series/{study_uid(number)}.1"


def instance_path(number: int, index: int) -> str:
    return f"{series_path(number)}/instances/{study_uid(number)}.1.{index + 1}"


@dataclass(frozen=True)
class Files:
    """Part 10 files of study 0; `of(n)` has the same bytes under the UIDs of study n."""

    contents: list[bytes]

    def of(self, number: int) -> list[bytes]:
        unique = study_uid(number).encode()
        return [content.replace(UNIQUE, unique) for content in self.contents]

    def __len__(self) -> int:
        return len(self.contents)


def ct_files(
    slices: int, matrix: int = 512, transfer_syntax: UID = ExplicitVRLittleEndian
) -> Files:
    """A chest CT: a few drawn slices over and over, each with noise of its own."""
    drawn = chest_phantom(slices=BASE_SLICES, matrix=matrix).instances
    rng = np.random.default_rng(11)
    return Files([_ct_slice(drawn[k % len(drawn)], k, transfer_syntax, rng) for k in range(slices)])


def multi_frame_file(frames: int, matrix: int) -> Files:
    """One multi-frame object of `frames` frames of noise over a disc that grows."""
    rng = np.random.default_rng(12)
    y, x = np.ogrid[:matrix, :matrix]
    distance = np.hypot(y - matrix / 2, x - matrix / 2)
    noise = rng.integers(0, 64, (matrix, matrix), np.uint16)
    pixels = b"".join(
        (noise + np.where(distance < matrix * (k + 1) / frames / 2, 800, 100).astype(np.uint16))
        .astype("<u2")
        .tobytes()
        for k in range(frames)
    )
    image = multi_frame_header(frames, matrix)
    image.PixelData = pixels
    return Files([part10(image)])


def multi_frame_header(frames: int, matrix: int) -> FileDataset:
    """A Multi-frame Grayscale Word Secondary Capture object (PS3.3 A.8.3) without its pixels."""
    image, *_ = chest_phantom(slices=4, matrix=16).instances
    _name(image, 0)
    image.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.Modality, image.ConversionType, image.BurnedInAnnotation = "OT", "SYN", "NO"
    image.Rows = image.Columns = matrix
    image.NumberOfFrames, image.PixelRepresentation = frames, 0
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit = 15
    image.WindowCenter, image.WindowWidth = 500, 1000
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = 0, 1, "US"
    image.PresentationLUTShape, image.PatientOrientation = "IDENTITY", ""
    image.FrameIncrementPointer, image.PageNumberVector = 0x00182001, list(range(1, frames + 1))
    del image.PixelData
    return image


@dataclass(frozen=True)
class Multipart:
    """A STOW-RS body: what goes between the boundaries is made while it is sent.

    parts: for each instance its length and a function that gives its bytes.
    """

    parts: list[tuple[int, Callable[[], Iterator[bytes]]]]

    OPENING = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    CLOSING = f"--{BOUNDARY}--\r\n".encode()

    @cached_property
    def length(self) -> int:
        return sum(length + len(self.OPENING) + 2 for length, _ in self.parts) + len(self.CLOSING)

    def __iter__(self) -> Iterator[bytes]:
        for _, content in self.parts:
            yield self.OPENING
            yield from content()
            yield b"\r\n"
        yield self.CLOSING


def multipart(contents: list[bytes]) -> Multipart:
    return Multipart([(len(one), lambda one=one: iter([one])) for one in contents])


def _ct_slice(drawn: FileDataset, k: int, transfer_syntax: UID, rng: np.random.Generator) -> bytes:
    image = deepcopy(drawn)
    _name(image, k)
    image.InstanceNumber, image.SliceThickness = k + 1, 1
    image.ImagePositionPatient = [*image.ImagePositionPatient[:2], 1.0 * k]
    noise = rng.normal(0, NOISE_HU, (image.Rows, image.Columns))
    pixels = np.clip(drawn.pixel_array + noise, 0, 2**image.BitsStored - 1)
    image.PixelData = pixels.astype("<u2").tobytes()
    if transfer_syntax != ExplicitVRLittleEndian:
        image.compress(transfer_syntax, generate_instance_uid=False)
    content = BytesIO()
    image.save_as(content, enforce_file_format=True)
    return content.getvalue()


def _name(image: Dataset, k: int) -> None:
    image.StudyInstanceUID = UNIQUE.decode()
    image.SeriesInstanceUID = f"{UNIQUE.decode()}.1"
    image.SOPInstanceUID = f"{UNIQUE.decode()}.1.{k + 1}"
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID

"""What a container has written -> findings. It is not trusted: nothing outside is followed, and
what is about other images than the input is refused.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from pydicom import Dataset, dcmread
from pydicom.uid import UID

from adapters.runtimes.containers.errors import (
    FileNotUnderstood,
    ForeignObject,
    NothingWritten,
    TooMuchWritten,
)
from standards.findings import Finding
from standards.seg_reader import read_labels
from standards.sr_reader import read_report

MOST_FILES, MOST_BYTES = 10_000, 4 << 30
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
# Enhanced, Comprehensive and Comprehensive 3D SR: those that TID 1500 may be written in.
_REPORTS = tuple(f"1.2.840.10008.5.1.4.1.1.88.{number}" for number in (22, 33, 34))
_SAME = {"StudyInstanceUID": "study", "PatientID": "patient"}
_PREAMBLE, _MAGIC = 128, b"DICM"


@dataclass(frozen=True)
class Written:
    """The regular files of an output folder, by their paths below it; links are none."""

    folder: Path
    files: tuple[PurePath, ...]

    @classmethod
    def in_folder(cls, folder: Path) -> "Written":
        """Raises TooMuchWritten."""
        found, total = [], 0
        for path, size in _walk(folder):
            found.append(path.relative_to(folder))
            total += size
            if len(found) > MOST_FILES:
                raise TooMuchWritten(f"{MOST_FILES} files")
            if total > MOST_BYTES:
                raise TooMuchWritten(f"{MOST_BYTES >> 30} GiB")
        return cls(folder, tuple(sorted(found)))

    def objects(self) -> list[tuple[PurePath, Dataset]]:
        """The DICOM files among them. Raises FileNotUnderstood for one that cannot be read."""
        return [(file, self._read(file)) for file in self.files if self._is_dicom(file)]

    def _is_dicom(self, file: PurePath) -> bool:
        with (self.folder / file).open("rb") as stream:
            return stream.read(_PREAMBLE + len(_MAGIC))[_PREAMBLE:] == _MAGIC

    def _read(self, file: PurePath) -> Dataset:
        try:
            return dcmread(self.folder / file)
        except Exception as error:  # bytes from anywhere: whatever they bring
            raise _unreadable(file, error) from error


def dicom_findings(
    objects: Sequence[tuple[PurePath, Dataset]], images: Sequence[Dataset]
) -> list[Finding]:
    """images: headers of the input that results are drawn on, in the model's order.

    Raises ForeignObject, FileNotUnderstood, and StandardsError where a finding cannot be.
    """
    segmentations, reports = [], []
    for file, one in objects:
        _check_about(file, one, images[0])
        if _class(one) in _SEGMENTATIONS:
            segmentations.append((file, one))
        elif _class(one) in _REPORTS:
            reports.append((file, one))
        else:
            found = UID(_class(one)).name or "no SOP Class"
            expected = "a Segmentation, or an Enhanced or Comprehensive SR by TID 1500"
            raise FileNotUnderstood(file, found, expected)
    return _findings(segmentations, reports, images)


def _findings(
    segmentations: Sequence[tuple[PurePath, Dataset]],
    reports: Sequence[tuple[PurePath, Dataset]],
    images: Sequence[Dataset],
) -> list[Finding]:
    findings: list[Finding] = []
    labels = None
    if segmentations:
        try:
            labels = read_labels([one for _, one in segmentations], images)
        except (AttributeError, TypeError, KeyError, IndexError) as error:  # what it lacks
            raise _unreadable(segmentations[0][0], error) from error
        findings.append(labels.label_map)
    for file, one in reports:
        try:
            findings += read_report(one, labels)
        except (AttributeError, TypeError, KeyError, IndexError, ArithmeticError) as error:
            raise _unreadable(file, error) from error
    return findings


def check_written(written: Written, objects: Sequence[object], declared: Sequence[str]) -> None:
    """Raises NothingWritten where there is nothing that anybody could read."""
    if not objects and not declared:
        raise NothingWritten(len(written.files))


def _check_about(file: PurePath, one: Dataset, image: Dataset) -> None:
    for keyword, word in _SAME.items():
        if str(one.get(keyword, "")) != str(image.get(keyword, "")):
            raise ForeignObject(file, word)
    frame = one.get("FrameOfReferenceUID")
    if frame and frame != image.get("FrameOfReferenceUID"):
        raise ForeignObject(file, "frame of reference")


def _class(one: Dataset) -> str:
    return str(one.get("SOPClassUID", ""))


def _unreadable(file: PurePath, error: Exception) -> FileNotUnderstood:
    found = f"what cannot be read ({type(error).__name__})"
    return FileNotUnderstood(file, found, "a DICOM object with all that its class asks for")


def _walk(folder: Path) -> Iterator[tuple[Path, int]]:
    """Regular files and their sizes; it may still be written to."""
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path), entry.stat(follow_symlinks=False).st_size

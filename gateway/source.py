"""The input of a model on disk: fetched from the archive, or a user's own files."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread

from adapters.archive import Archive
from gateway.store.tables import InstanceRow
from standards.volume import in_slice_order, modality_values

FETCHES = 4  # at once; more gained nothing against Orthanc


@contextmanager
def work_folder(data: Path, workitem_uid: str) -> Iterator[Path]:
    """An empty folder for the files of one workitem, removed afterwards."""
    folder = data / "work" / workitem_uid
    shutil.rmtree(folder, ignore_errors=True)  # of an attempt whose worker was killed
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fetch(archive: Archive, rows: Sequence[InstanceRow], folder: Path) -> list[Path]:
    """The files of these instances, in their order. Raises ArchiveUnavailable."""
    paths = [folder / f"{number:06}.dcm" for number in range(len(rows))]
    with ThreadPoolExecutor(FETCHES) as threads:
        contents = threads.map(lambda row: archive.read(row.archive_key), rows)
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
    return paths


class SourceSeries:
    """The headers of one series in slice order, and the pixels of a slice when asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.headers = tuple(dcmread(path, stop_before_pixels=True) for path in paths)
        self._files = dict(zip((str(h.SOPInstanceUID) for h in self.headers), paths, strict=True))

    def in_order(self) -> tuple[Dataset, ...]:
        """Sorted as the model's volume is. Raises UnfitSeries as the volume does."""
        return tuple(in_slice_order(self.headers))

    def modality_values(self, header: Dataset) -> np.ndarray:
        return modality_values(dcmread(self._files[str(header.SOPInstanceUID)]))

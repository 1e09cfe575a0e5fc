"""Make samples/ct_chest from the original series: same UIDs, same header, same pixels, JPEG-LS.

    python tools/make_sample.py FOLDER_OF_THE_ORIGINAL_SERIES [samples/ct_chest]

Only the transfer syntax and the file meta information change, and every file is read back and
compared. samples/README.md tells where the original comes from and under which licence.
"""

import sys
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import JPEGLSLossless

PIXELS = frozenset({"PixelData"})
WRITER = ("ImplementationClassUID", "ImplementationVersionName", "SourceApplicationEntityTitle")


class NotTheSame(Exception):
    """A file that was read back differs from its original."""


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print(__doc__, file=sys.stderr)
        return 2
    source = Path(arguments[0])
    target = Path(arguments[1] if len(arguments) > 1 else "samples/ct_chest")
    target.mkdir(parents=True, exist_ok=True)
    files = sorted(source.glob("*.dcm"))
    for file in files:
        compress(file, target / file.name)
        compare(dcmread(file), dcmread(target / file.name), file.name)
    size = sum((target / file.name).stat().st_size for file in files)
    print(f"{len(files)} instances, {size / 1e6:.1f} MB, all identical to their originals")
    return 0


def compress(source: Path, target: Path) -> None:
    """JPEG-LS lossless, PS3.5 A.4.3; the SOP Instance stays itself, since no pixel changes."""
    instance = dcmread(source)
    instance.compress(JPEGLSLossless, generate_instance_uid=False)
    for name in WRITER:  # who wrote the file now, not who wrote the original
        if name in instance.file_meta:
            delattr(instance.file_meta, name)
    instance.save_as(target, enforce_file_format=True)


def compare(original: Dataset, copy: Dataset, name: str) -> None:
    """Raises NotTheSame naming what differs."""
    if not np.array_equal(original.pixel_array, copy.pixel_array):
        raise NotTheSame(f"{name}: pixels differ")
    for element in original:
        if element.keyword not in PIXELS and copy.get(element.tag) != element:
            raise NotTheSame(f"{name}: {element.tag} {element.name} differs")
    if added := {element.tag for element in copy} - {element.tag for element in original}:
        raise NotTheSame(f"{name}: attributes were added: {added}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Windows of images as items of Softcopy VOI LUT Sequence (0028,3110), PS3.3 C.11.8."""

from pydicom import Dataset
from pydicom.multival import MultiValue


def window(center: float, width: float, function: str = "") -> Dataset:
    """An item of Softcopy VOI LUT Sequence, PS3.3 C.11.8."""
    item = Dataset()
    item.WindowCenter, item.WindowWidth = float(center), float(width)
    if function:
        item.VOILUTFunction = function
    return item


def window_of(header: Dataset) -> Dataset | None:
    """The first window, or else the first VOI LUT, of an image, for that image alone.

    A state speaks for the image: without an item the whole range of values would be shown.
    """
    item = _first_window(header)
    if item is None and header.get("VOILUTSequence"):
        item = Dataset()
        item.VOILUTSequence = [header.VOILUTSequence[0]]
    if item is not None:
        reference = Dataset()
        reference.ReferencedSOPClassUID = header.SOPClassUID
        reference.ReferencedSOPInstanceUID = header.SOPInstanceUID
        if "ReferencedFrameNumber" in header:  # of one frame: standards/frame_headers.py
            reference.ReferencedFrameNumber = header.ReferencedFrameNumber
        item.ReferencedImageSequence = [reference]
    return item


def _first_window(header: Dataset) -> Dataset | None:
    centers, widths = (_values(header, f"Window{part}") for part in ("Center", "Width"))
    if not centers or not widths or widths[0] <= 0:
        return None
    return window(centers[0], widths[0], str(header.get("VOILUTFunction") or ""))


def _values(header: Dataset, keyword: str) -> list[float]:
    found = header.get(keyword)
    if found in (None, ""):
        return []
    return [float(value) for value in (found if isinstance(found, MultiValue) else [found])]

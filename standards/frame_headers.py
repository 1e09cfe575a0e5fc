"""The header of each frame of a multi-frame image, in the words of a single-frame one."""

from collections.abc import Iterable, Iterator

from pydicom import Dataset
from pydicom.tag import BaseTag

from standards.errors import UnfitSeries
from standards.numbers import has, numbers

_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_PIXEL_DATA_GROUP = 0x7FE0
# The functional groups whose attributes single-frame images have at the top: PS3.3 C.7.6.16.2.
_MACROS = (
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelMeasuresSequence",
    "PixelValueTransformationSequence",
    "FrameVOILUTSequence",
)


def frame_headers(instance: Dataset) -> list[Dataset]:
    """For each frame of the image its header without pixel data; of a single-frame one its own.

    A frame's header holds what the whole object says, with position, orientation, spacing, value
    transformation and window from the functional groups (PS3.3 C.7.6.16), and Referenced Frame
    Number (0008,1160), counted from 1, as a reference to the frame will say it.
    Raises UnfitSeries for a Siemens mosaic, and for frames without functional groups.
    """
    _refuse_mosaic(instance)
    header = _without_pixels(instance)
    frames = number_of_frames(header)
    if frames == 1 and _PER_FRAME not in header:
        return [header]
    groups = header.get(_PER_FRAME) or []
    if len(groups) != frames:
        found = f"{frames} frames and {len(groups)} items that place them"
        raise UnfitSeries("NumberOfFrames", found, "one functional group item for each frame")
    shared = next(iter(header.get(_SHARED) or []), Dataset())
    for keyword in (_SHARED, _PER_FRAME, "NumberOfFrames"):
        header.pop(keyword, None)
    return [_frame_header(header, n, shared, group) for n, group in enumerate(groups, start=1)]


def number_of_frames(header: Dataset) -> int:
    """1 where the header does not say. Raises UnfitSeries for what is no number of frames."""
    if not has(header, "NumberOfFrames"):
        return 1
    (frames,) = numbers(header, "NumberOfFrames", 1)
    if frames < 1:
        raise UnfitSeries("NumberOfFrames", f"{frames:g}", "1 or more")
    return int(frames)


def _frame_header(common: Dataset, number: int, shared: Dataset, own: Dataset) -> Dataset:
    header = _copy(common, _tags(common))
    header.ReferencedFrameNumber = number
    for group in (shared, own):  # a group stands in one of the two
        for item in _items(group):
            for element in item:
                header.add(element)
    return header


def _items(group: Dataset) -> Iterator[Dataset]:
    for keyword in _MACROS:
        yield from group.get(keyword) or []


def _refuse_mosaic(instance: Dataset) -> None:
    if "MOSAIC" in (instance.get("ImageType") or ()):
        raise UnfitSeries(
            "ImageType",
            "MOSAIC, many slices tiled in one image",
            "one slice in each image or frame; let the scanner or a converter write them so",
        )


def _without_pixels(instance: Dataset) -> Dataset:
    return _copy(instance, [tag for tag in _tags(instance) if tag.group != _PIXEL_DATA_GROUP])


def _tags(dataset: Dataset) -> list[BaseTag]:
    return list(dataset.keys())  # a Dataset iterates over its elements


def _copy(header: Dataset, tags: Iterable[BaseTag]) -> Dataset:
    """A header of its own, of the same elements; texts go on being read in its character set."""
    copy = Dataset()
    copy.set_original_encoding(*header.original_encoding, header.original_character_set)
    copy.update({tag: header.get_item(tag) for tag in tags})
    return copy

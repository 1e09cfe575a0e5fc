"""References to single frames of a multi-frame image, in objects made as if of single images.

highdicom encodes results on a series of single-frame images, or on all frames of one object in
its order. A result on frames in slice order is made on stand-ins, one a frame, with a class and a
UID of their own; what refers to a stand-in then refers to the frame (PS3.3 Table 10-3).
"""

from collections.abc import Iterator, Sequence

from pydicom import Dataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    LegacyConvertedEnhancedPETImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
)

from standards.uids import derived_uid

SINGLE_FRAME_CLASSES = {
    EnhancedCTImageStorage: CTImageStorage,
    LegacyConvertedEnhancedCTImageStorage: CTImageStorage,
    EnhancedMRImageStorage: MRImageStorage,
    LegacyConvertedEnhancedMRImageStorage: MRImageStorage,
    EnhancedPETImageStorage: PositronEmissionTomographyImageStorage,
    LegacyConvertedEnhancedPETImageStorage: PositronEmissionTomographyImageStorage,
}

# In these an instance is named, not one of its frames: PS3.3 C.12.2, C.17.2 (Table 10-11).
_OF_INSTANCES = ("ReferencedInstanceSequence", "ReferencedSOPSequence")
_SERIES = "ReferencedSeriesSequence"


def stand_in(image: Dataset, header: Dataset) -> None:
    """Give an image the class and UID of a stand-in, if its header is that of a frame."""
    if "ReferencedFrameNumber" in header:
        # new elements: the header has the old ones too
        image.add_new("SOPClassUID", "UI", SINGLE_FRAME_CLASSES[header.SOPClassUID])
        image.add_new("SOPInstanceUID", "UI", _uid_of(header))


def refer_to_frames(dataset: Dataset, headers: Sequence[Dataset]) -> None:
    """Let every reference to a stand-in refer to its frame.

    headers: of the source, as frame_headers gives them; others change nothing.
    """
    frames = {_uid_of(one): one for one in headers if "ReferencedFrameNumber" in one}
    if not frames:
        return
    for keyword, parent, items in _sequences(dataset, ""):
        of_instances = parent == _SERIES and keyword in _OF_INSTANCES
        named = set()
        for item in list(items):
            header = frames.get(str(item.get("ReferencedSOPInstanceUID", "")))
            if header is None:
                continue
            if of_instances and header.SOPInstanceUID in named:
                items.remove(item)
                continue
            named.add(header.SOPInstanceUID)
            item.ReferencedSOPClassUID = header.SOPClassUID
            item.ReferencedSOPInstanceUID = header.SOPInstanceUID
            if not of_instances:
                item.ReferencedFrameNumber = header.ReferencedFrameNumber


def _uid_of(header: Dataset) -> str:
    return derived_uid("frame", header.SOPInstanceUID, str(header.ReferencedFrameNumber))


def _sequences(dataset: Dataset, parent: str) -> Iterator[tuple[str, str, list[Dataset]]]:
    """Keyword, keyword of the sequence around it, and items of every sequence at any depth."""
    for element in dataset:
        if element.VR == "SQ":
            yield element.keyword, parent, element.value
            for item in element.value:
                yield from _sequences(item, element.keyword)

"""A CT series as one Enhanced CT object, with the functional groups of PS3.3 C.7.6.16."""

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
from pydicom import Dataset
from pydicom.uid import UID, EnhancedCTImageStorage

from standards.uids import derived_uid


def enhanced_ct(instances: Sequence[Dataset]) -> Dataset:
    """The frames in the order of the instances; position and rescale for each, the rest shared."""
    image = deepcopy(instances[0])
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    image.SOPInstanceUID = UID(derived_uid("enhanced", instances[0].SOPInstanceUID))
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.NumberOfFrames = len(instances)
    image.PixelData = b"".join(instance.PixelData for instance in instances)
    image.SharedFunctionalGroupsSequence = [
        _groups(
            image,
            PlaneOrientationSequence=("ImageOrientationPatient",),
            PixelMeasuresSequence=("PixelSpacing", "SliceThickness"),
            FrameVOILUTSequence=("WindowCenter", "WindowWidth"),
        )
    ]
    image.PerFrameFunctionalGroupsSequence = [
        _groups(
            instance,
            PlanePositionSequence=("ImagePositionPatient",),
            PixelValueTransformationSequence=("RescaleIntercept", "RescaleSlope", "RescaleType"),
        )
        for instance in instances
    ]
    for group in (image.SharedFunctionalGroupsSequence, image.PerFrameFunctionalGroupsSequence):
        for sequence in group[0]:
            for element in sequence[0]:
                image.pop(element.tag, None)
    return image


def frame_order(count: int) -> np.ndarray:
    """A shuffle that stays the same."""
    return np.random.default_rng(5).permutation(count)


def _groups(source: Dataset, **sequences: tuple[str, ...]) -> Dataset:
    groups = Dataset()
    for name, keywords in sequences.items():
        item = Dataset()
        for keyword in keywords:
            item[keyword] = source[keyword]
        setattr(groups, name, [item])
    return groups

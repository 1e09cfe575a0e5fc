"""How a network counts the places of what it found."""

from enum import StrEnum


class BoxMode(StrEnum):
    """How the numbers of a box are meant, by the names of MONAI (monai.data.box_utils)."""

    XYXY = "xyxy"
    XXYY = "xxyy"
    XYWH = "xywh"
    CCWH = "ccwh"
    XYZXYZ = "xyzxyz"
    XXYYZZ = "xxyyzz"
    XYXYZZ = "xyxyzz"
    XYZWHD = "xyzwhd"
    CCCWHD = "cccwhd"

    @property
    def axes(self) -> int:
        return len(self) // 2


class XAxis(StrEnum):
    """Which axis of the prepared image the first number of a place counts along.

    first: that of the slices, or rows of an image, and on in order, as MONAI does. last: that of
    the columns, and back from there, as torchvision and most networks of photographs do.
    """

    FIRST = "first"
    LAST = "last"


class Origin(StrEnum):
    """Where 0 voxels is: at the outer corner of the first voxel, so that a box from 10 to 20 holds
    the voxels 10 to 19, or in the middle of the first voxel.
    """

    CORNER = "corner"
    MIDDLE = "middle"


class Units(StrEnum):
    """What places are counted in. voxels, or pixels, and normalised (0 to 1): of the prepared
    image. lps-mm: of the patient, as in DICOM. ras-mm: with two signs turned, as in MONAI.
    """

    VOXELS = "voxels"
    NORMALISED = "normalised"
    LPS_MM = "lps-mm"
    RAS_MM = "ras-mm"

    @property
    def is_patient(self) -> bool:
        return self in (Units.LPS_MM, Units.RAS_MM)

"""Whether Photometric Interpretation (0028,0004) fits its image: PS3.3 C.7.6.3.1.2."""

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalIntraOralXRayImageStorageForPresentation,
    DigitalIntraOralXRayImageStorageForProcessing,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    XRayAngiographicImageStorage,
    XRayRadiofluoroscopicImageStorage,
)

from ai_models.gate.pictures import looked_at
from ai_models.gate.suspicion import Seen, Suspicion
from standards.images import GRAYSCALE, Image

_SAMPLES: dict[str, int] = {
    **dict.fromkeys(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), 1),
    **dict.fromkeys(
        ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT"), 3
    ),
}
_DIGITAL_X_RAY = (
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    DigitalIntraOralXRayImageStorageForPresentation,
    DigitalIntraOralXRayImageStorageForProcessing,
)
_COLOURS = tuple(name for name, samples in _SAMPLES.items() if samples == 3)
# Enumerated Values by SOP Class: PS3.3 C.8.1.2, C.8.11.3, C.8.5.6, C.8.4.9, C.8.9.4, C.8.7.1.
_ALLOWED: dict[UID, tuple[str, ...]] = {
    **dict.fromkeys((ComputedRadiographyImageStorage, *_DIGITAL_X_RAY), GRAYSCALE),
    **dict.fromkeys(
        (UltrasoundImageStorage, UltrasoundMultiFrameImageStorage),
        ("MONOCHROME2", "PALETTE COLOR", *_COLOURS),
    ),
    NuclearMedicineImageStorage: ("MONOCHROME2", "PALETTE COLOR"),
    PositronEmissionTomographyImageStorage: ("MONOCHROME2",),
    XRayAngiographicImageStorage: ("MONOCHROME2",),
    XRayRadiofluoroscopicImageStorage: ("MONOCHROME2",),
}
_SHAPES = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}  # PS3.3 C.8.11.3.1.2

_DARK_AROUND = ("CT", "MG", "NM", "PT", "US")  # modalities that show air, or nothing, as black
_EDGE = 0.02  # of rows and columns, at each side
_BRIGHT = 0.9  # of the range from the 1st to the 99th percentile
_MOST_BRIGHT = 0.5  # of the edge

# An RGB pixel of black or white, read as YBR, is a colour far outside of what RGB can show; and
# the grey of YBR, read as RGB, has 128 in two samples.
_TO_RGB = np.array([(1, 0, 1.402), (1, -0.344136, -0.714136), (1, 1.772, 0)])  # JFIF 1.02
_OVERSHOOT = 24.0  # of lossy compression, stored values of 8 bits
_MOST_OUTSIDE = 0.1  # of the pixels
_NEAR_GREY, _LEAST_SPREAD, _MOST_GREY = 6.0, 16.0, 0.9


def photometric_interpretation(seen: Seen, images: Sequence[Image]) -> Suspicion | None:
    """Its header and its values allow what it says of itself."""
    for image in images:
        suspicion = _contradiction(image.instance) or _of_values(seen, image)
        if suspicion is not None:
            return suspicion
    return None


def _contradiction(header: Dataset) -> Suspicion | None:
    told = str(header.PhotometricInterpretation)
    allowed = _ALLOWED.get(UID(header.get("SOPClassUID", "")), tuple(_SAMPLES))
    if told not in allowed:
        return Suspicion(told, " or ".join(allowed))
    samples = int(header.get("SamplesPerPixel") or 1)
    if samples != _SAMPLES[told]:
        return Suspicion(f"{told} of {samples} samples per pixel", f"{_SAMPLES[told]}")
    shape = header.get("PresentationLUTShape")
    if header.get("SOPClassUID") in _DIGITAL_X_RAY and shape and shape != _SHAPES[told]:
        return Suspicion(f"{told} with Presentation LUT Shape {shape}", _SHAPES[told])
    return None


def _of_values(seen: Seen, image: Image) -> Suspicion | None:
    told = image.instance.PhotometricInterpretation
    for frame in looked_at(image):
        if told in GRAYSCALE and seen.modality in _DARK_AROUND:
            suspicion = _inverted(told, image.pixels(frame))
        elif told in _COLOURS and image.instance.get("BitsAllocated") == 8:
            suspicion = _other_colours(told, image.stored(frame))
        else:
            return None
        if suspicion is not None:
            return suspicion
    return None


def _inverted(told: str, values: np.ndarray) -> Suspicion | None:
    """values: larger is brighter, whatever the image says of itself."""
    low, high = (float(end) for end in np.percentile(values, (1, 99)))
    bright = _edge(values) > low + _BRIGHT * (high - low)
    if low < high and bright.mean() > _MOST_BRIGHT:
        return Suspicion(f"{told} with {bright.mean():.0%} of its edge bright", "a dark edge")
    return None


def _edge(values: np.ndarray) -> np.ndarray:
    inside = np.zeros(values.shape, bool)
    rows, columns = (max(1, round(_EDGE * size)) for size in values.shape)
    inside[rows:-rows, columns:-columns] = True
    return values[~inside]


def _other_colours(told: str, stored: np.ndarray) -> Suspicion | None:
    """stored: uint8, (rows, columns, 3)."""
    if told.startswith("YBR_FULL"):
        centred = stored.reshape(-1, 3) - np.array((0.0, 128.0, 128.0))
        colours = centred @ _TO_RGB.T
        outside = np.any((colours < -_OVERSHOOT) | (colours > 255 + _OVERSHOOT), axis=1).mean()
        if outside > _MOST_OUTSIDE:
            return Suspicion(f"{told} with {outside:.0%} of colours that no RGB has", "RGB")
        return None
    grey = np.all(np.abs(stored[..., 1:] - 128.0) <= _NEAR_GREY, axis=-1).mean()
    spread = np.ptp(np.percentile(stored[..., 0], (5, 95)))
    if grey > _MOST_GREY and spread > _LEAST_SPREAD:
        return Suspicion(f"{told} with {grey:.0%} of pixels at 128 in two samples", "YBR_FULL")
    return None

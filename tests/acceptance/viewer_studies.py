"""Studies of the kinds that a viewer must show: made here, and real ones where they are at hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import (
    UID,
    DigitalXRayImageStorageForPresentation,
    EnhancedMRImageStorage,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
    UltrasoundMultiFrameImageStorage,
)

from standards.derived import part10
from tests.series import ct_series
from tests.shared_data import SHARED_DATA

ROWS, COLUMNS = 96, 128
# name: files or folder below shared/data, each one series
REAL = {
    "CT": "ct_chest_a0001/series_soft_kernel_B",
    "MR without a window": "mr_brain_pd",
    "CR, JPEG 2000, without a pixel spacing": "xray/cxr_pa_cr_j2k.dcm",
    "DX as Secondary Capture": "xray/cxr_pa_nih_dx_sc.dcm",
    "DX, MONOCHROME1": "xray/dog_thorax_dx.dcm",
    "mammogram, JPEG Lossless, sigmoid window": "xray/mammo_mg_jpegll.dcm",
    "ultrasound, palette, RLE": "us/echo_10frames_palette_rle.dcm",
    "ultrasound, RGB": "us/echo_doppler_8frames_implicit.dcm",
    "ultrasound, JPEG 2000": "us/lymphnode_j2k_single.dcm",
    "enhanced CT": "enhanced/ct_perfusion_2frames.dcm",
    "enhanced MR, sagittal": "enhanced/mr_brain_sag_15frames.dcm",
    "enhanced MR, three stacks": "enhanced/mr_brain_stacks_12frames.dcm",
    "enhanced MR, JPEG-LS": "enhanced/mr_small_10frames_jpeg_ls_lossless.dcm",
}


@dataclass(frozen=True)
class Study:
    """One series alone in its study, as Part 10 files."""

    files: Sequence[Path]

    @property
    def headers(self) -> list[FileDataset]:
        return [dcmread(path, stop_before_pixels=True) for path in self.files]

    @property
    def study_instance_uid(self) -> str:
        return str(self.headers[0].StudyInstanceUID)

    @property
    def series_instance_uid(self) -> str:
        return str(self.headers[0].SeriesInstanceUID)

    @property
    def frames(self) -> int:
        return sum(int(header.get("NumberOfFrames", 1)) for header in self.headers)

    def source(self, sop_instance_uid: str) -> FileDataset:
        """The instance, whole."""
        found = zip(self.files, self.headers, strict=True)
        return dcmread(next(path for path, one in found if one.SOPInstanceUID == sop_instance_uid))


def real_study(name: str) -> Study | None:
    """None where the shared data are not beside this checkout."""
    path = SHARED_DATA / REAL[name]
    if not path.exists():
        return None
    return Study(sorted(path.iterdir()) if path.is_dir() else [path])


def made_study(name: str, folder: Path) -> Study:
    paths = []
    for k, image in enumerate(MADE[name]()):
        image.StudyInstanceUID = image.SeriesInstanceUID = _uid(name)
        if "FrameOfReferenceUID" in image:
            image.FrameOfReferenceUID = f"{_uid(name)}.9"
        image.SOPInstanceUID = f"{_uid(name)}.{k + 1}"
        image.SeriesInstanceUID = f"{_uid(name)}.0"
        paths.append(folder / f"{k}.dcm")
        paths[-1].write_bytes(part10(image))
        _compress(paths[-1], COMPRESSED.get(name))
    return Study(paths)


def _ct() -> list[Dataset]:
    return list(ct_series())


def _mr_without_a_window() -> list[Dataset]:
    """Window Width 0, as a real scanner of ../shared/data wrote it."""
    without = ("RescaleType", "KVP")
    attributes = {"SOPClassUID": MRImageStorage, "Modality": "MR", "WindowCenter": 0}
    images = ct_series(without=without, WindowWidth=0, **attributes)
    for image, pixels in zip(images, _moving_bar(len(images), 900), strict=True):
        image.PixelData = pixels.tobytes()
    return list(images)


def _x_ray_with_odd_headers() -> list[Dataset]:
    """A spacing of zero, a sigmoid window, and black for the highest value."""
    (image,) = ct_series(slices=1, without=("FrameOfReferenceUID", "ImagePositionPatient"))
    image.SOPClassUID, image.Modality = DigitalXRayImageStorageForPresentation, "DX"
    image.PhotometricInterpretation, image.PixelSpacing = "MONOCHROME1", [0, 0]
    image.VOILUTFunction, image.WindowCenter, image.WindowWidth = "SIGMOID", 0, 1000
    image.PixelData = _moving_bar(1, 1200).tobytes()
    return [image]


def _ultrasound() -> list[Dataset]:
    (image,) = ct_series(slices=1, without=_OF_A_SLICE)
    image.SOPClassUID, image.Modality = UltrasoundMultiFrameImageStorage, "US"
    image.PhotometricInterpretation, image.PixelRepresentation = "PALETTE COLOR", 0
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.NumberOfFrames = 7, 5
    image.FrameIncrementPointer, image.FrameTime = 0x00181063, 40
    ramp = np.arange(256, dtype="<u2") * 257
    for colour, table in (("Red", ramp), ("Green", ramp // 2), ("Blue", ramp[::-1])):
        image.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [256, 0, 16])
        image.add_new(f"{colour}PaletteColorLookupTableData", "OW", table.tobytes())
    image.PixelData = _moving_bar(5, 200).astype(np.uint8).tobytes()
    return [image]


def _enhanced_mr() -> list[Dataset]:
    (image,) = ct_series(slices=1, without=_OF_A_SLICE)
    image.SOPClassUID, image.Modality, image.NumberOfFrames = EnhancedMRImageStorage, "MR", 6
    image.SharedFunctionalGroupsSequence = [
        _group(
            PlaneOrientationSequence=_group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
            PixelMeasuresSequence=_group(PixelSpacing=[1.5, 1.5], SliceThickness=4),
        )
    ]
    image.PerFrameFunctionalGroupsSequence = [
        _group(
            PlanePositionSequence=_group(ImagePositionPatient=[-90, -70, 4.0 * k]),
            FrameVOILUTSequence=_group(WindowCenter=500, WindowWidth=1200),
            FrameContentSequence=_group(StackID="1", InStackPositionNumber=k + 1),
        )
        for k in range(6)
    ]
    image.PixelData = _moving_bar(6, 900).tobytes()
    return [image]


MADE = {
    "CT": _ct,
    "MR without a window": _mr_without_a_window,
    "X-ray with odd headers": _x_ray_with_odd_headers,
    "ultrasound, palette, RLE": _ultrasound,
    "enhanced MR, JPEG-LS": _enhanced_mr,
}
COMPRESSED = {"ultrasound, palette, RLE": RLELossless, "enhanced MR, JPEG-LS": JPEGLSLossless}
_OF_A_SLICE = (
    "FrameOfReferenceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "WindowCenter",
    "WindowWidth",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "KVP",
)


def _moving_bar(frames: int, value: int) -> np.ndarray:
    """(frames, rows, columns): a bar that is further to the right in every frame."""
    pixels = np.full((frames, ROWS, COLUMNS), value // 8, "<i2")
    for k in range(frames):
        pixels[k, 20:76, 10 + 12 * k : 30 + 12 * k] = value
    return pixels


def _group(**attributes: object) -> Dataset:
    """A Dataset, with a Dataset as the only item where a sequence is asked for."""
    group = Dataset()
    for keyword, value in attributes.items():
        setattr(group, keyword, [value] if isinstance(value, Dataset) else value)
    return group


def _uid(name: str) -> str:
    return f"2.25.7800000.{list(MADE).index(name) + 1}"


def _compress(path: Path, transfer_syntax: UID | None) -> None:
    if transfer_syntax is not None:
        image = dcmread(path)
        image.compress(transfer_syntax, generate_instance_uid=False)
        image.save_as(path)

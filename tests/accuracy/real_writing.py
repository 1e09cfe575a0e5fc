"""Writing in real images of the shared data, as two eyes see it: top, left, bottom, right, pixels.

Single letters (side markers, a scale written upright) and logos are not counted, either way.
"""

from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.pixels.processing import apply_color_lut

Place = tuple[int, int, int, int]
LINES: dict[str, tuple[Place, ...]] = {
    "us/echo_10frames_palette_rle.dcm": (
        (4, 12, 12, 66), (16, 12, 25, 98), (31, 2, 40, 90), (45, 2, 54, 82), (59, 2, 68, 140),
        (115, 2, 124, 26), (170, 32, 179, 98), (184, 2, 193, 70), (198, 2, 207, 70),
        (212, 12, 221, 62), (241, 2, 250, 40), (255, 2, 264, 40), (4, 542, 12, 598),
        (19, 542, 27, 566), (158, 542, 166, 566),
    ),
    "us/lymphnode_j2k_single.dcm": (
        (26, 20, 38, 168), (42, 20, 54, 88), (58, 20, 70, 70), (74, 20, 86, 80), (90, 20, 102, 60),
        (42, 280, 54, 358), (26, 500, 38, 618), (42, 550, 54, 618), (58, 530, 70, 618),
        (74, 568, 86, 618), (90, 560, 102, 618), (138, 10, 150, 38), (138, 600, 150, 628),
        (218, 10, 230, 38), (218, 600, 230, 628), (362, 250, 374, 358), (458, 400, 470, 618),
    ),
    "burned_in_phi/cxr_burned_in_fake_phi_rle.dcm": (
        (4, 4, 38, 812), (50, 16, 80, 362), (22, 1752, 58, 2088), (104, 1896, 142, 2112),
    ),
    "burned_in_phi/ct_burned_in_fake_phi.dcm": ((0, 0, 12, 228), (15, 4, 26, 114)),
}  # fmt: skip
WITHOUT = (
    "us/echo_doppler_8frames_jpeg.dcm",
    "xray/cxr_pa_nih_dx_sc.dcm",
    "xray/dog_thorax_dx.dcm",
    "ct_chest_a0001/series_soft_kernel_B/1-25.dcm",
    "transfer_syntaxes/rgb_htj2k_203.dcm",  # glittering water
)
LARGE_WITHOUT = ("xray/cxr_pa_cr_j2k.dcm", "xray/hip_cr_j2k.dcm", "xray/mammo_mg_jpegll.dcm")


def first_image(path: Path) -> np.ndarray:
    """Pixels of an image, or of the first frame, colour tables applied."""
    instance = dcmread(path)
    pixels = instance.pixel_array
    if int(instance.get("NumberOfFrames") or 1) > 1:
        pixels = pixels[0]
    if instance.PhotometricInterpretation == "PALETTE COLOR":
        return apply_color_lut(pixels, instance)
    return pixels

"""imagecodecs as a decoding plug-in of pydicom, for what its own plug-ins read with one library.

Lossless JPEG (jpg_0XC3, beside GDCM's IJG), lossless HTJ2K (OpenJPH, beside OpenJPEG), and JPEG of
12 bits, which no other library here reads. Lossy HTJ2K is left out: OpenJPH gives an overshoot
of the brightest value as the darkest.
"""

from collections.abc import Callable

import imagecodecs
import numpy as np
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder
from pydicom.uid import (
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
)

NAME = "imagecodecs"
_SCAN = b"\xff\xda"  # SOS of ITU-T T.81 B.2.3


def decode_frame(src: bytes, runner: DecodeRunner) -> bytearray:
    """Raises ValueError for what these decoders are known to read wrongly, or what is no image."""
    try:
        frame = _DECODE[UID(runner.transfer_syntax)](src, runner)
    except RuntimeError as error:  # imagecodecs' own errors
        raise ValueError(f"imagecodecs: {error}") from error
    runner.set_option("bits_allocated", frame.dtype.itemsize * 8)
    if frame.ndim == 3:
        runner.set_option("planar_configuration", 0)
    return bytearray(frame.tobytes())


def _lossless_jpeg(src: bytes, _runner: DecodeRunner) -> np.ndarray:
    """jpg_0XC3 leaves out the point transform, the last four bits of the scan header."""
    scan = src.index(_SCAN)
    components = src[scan + 4]
    if src[scan + 7 + 2 * components] & 15:
        raise ValueError("lossless JPEG with a point transform, which imagecodecs leaves out")
    return imagecodecs.jpegsof3_decode(src)


def _grey_jpeg(src: bytes, runner: DecodeRunner) -> np.ndarray:
    if runner.samples_per_pixel != 1:
        raise ValueError("JPEG in colour, of which imagecodecs makes RGB by itself")
    return imagecodecs.jpeg8_decode(src)


def _htj2k(src: bytes, _runner: DecodeRunner) -> np.ndarray:
    return imagecodecs.htj2k_decode(src)


_DECODE: dict[UID, Callable[[bytes, DecodeRunner], np.ndarray]] = {
    JPEGExtended12Bit: _grey_jpeg,
    JPEGLossless: _lossless_jpeg,
    JPEGLosslessSV1: _lossless_jpeg,
    HTJ2KLossless: _htj2k,
    HTJ2KLosslessRPCL: _htj2k,
}
DECODER_DEPENDENCIES = {uid: ("numpy", "imagecodecs>=2026.3") for uid in _DECODE}


def is_available(transfer_syntax_uid: str) -> bool:
    """Asked by pydicom."""
    return UID(transfer_syntax_uid) in _DECODE


def register() -> None:
    """Tell pydicom, once in a process."""
    for uid in _DECODE:
        get_decoder(uid).add_plugin(NAME, (__name__, decode_frame.__name__))

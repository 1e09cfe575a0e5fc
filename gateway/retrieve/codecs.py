"""Which transfer syntaxes are decoded and encoded here, by which library, and how.

What decodes or encodes runs in the processes of gateway/retrieve/codec_processes.py, never in the
server: the libraries are native code that meets bytes from anywhere.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from gateway.retrieve import imagecodecs_plugin

imagecodecs_plugin.register()

NATIVE = frozenset(
    (
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        ExplicitVRBigEndian,
    )
)

# MPEG-2, MPEG-4 AVC/H.264 and HEVC/H.265: PS3.5 A.4.5 to A.4.8.
FILMS = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109))

# The quickest first, ms for a CT slice of 512 x 512 x 16 bits: JPEG-LS 7.5 with pyjpegls, 11.7
# with GDCM; RLE 0.4 with pylibjpeg, 4.3 with pydicom; 8-bit JPEG 4.0 with Pillow, 10.3 with GDCM.
# JPEG 2000 takes all three about as long; GDCM comes last, since it alone aborts on odd images.
# imagecodecs would be quicker (docs/BENCHMARKS.md), but is here to check the others.
_DECODERS: dict[str, tuple[str, ...]] = {
    JPEGBaseline8Bit: ("pillow", "gdcm"),
    JPEGExtended12Bit: ("pillow", "imagecodecs", "gdcm"),
    JPEGLossless: ("gdcm", "imagecodecs"),
    JPEGLosslessSV1: ("gdcm", "imagecodecs"),
    JPEGLSLossless: ("pyjpegls", "gdcm"),
    JPEGLSNearLossless: ("pyjpegls", "gdcm"),
    JPEG2000Lossless: ("pylibjpeg", "pillow", "gdcm"),
    JPEG2000: ("pylibjpeg", "pillow", "gdcm"),
    HTJ2KLossless: ("pylibjpeg", "imagecodecs"),
    HTJ2KLosslessRPCL: ("pylibjpeg", "imagecodecs"),
    HTJ2K: ("pylibjpeg",),
    RLELossless: ("pylibjpeg", "pydicom"),
}
# Lossless ones alone: an image loses nothing here that it came with. GDCM's encoder aborts the
# whole process on images of odd sizes.
_ENCODERS = {
    JPEGLSLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",
    RLELossless: "pylibjpeg",
}
ENCODABLE = tuple(_ENCODERS)
_SMALLEST_JPEG_2000 = 32  # rows or columns; OpenJPEG halves an image five times
_COLOUR_BY_PIXEL = frozenset((JPEGLSLossless, JPEG2000Lossless))  # PS3.5 8.2.3, 8.2.4


def is_decodable(transfer_syntax_uid: str) -> bool:
    """Whether frames in this transfer syntax can be given uncompressed."""
    return transfer_syntax_uid in NATIVE or bool(plugins(transfer_syntax_uid))


def encodable(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Those of ENCODABLE that an image can be put into: of 8 or 16 bits, grey or of three colours.

    keyword: of its pixel data; floating-point pixels have no code stream. (PS3.5 8.2)
    """
    fits = (
        keyword == "PixelData"
        and dataset.get("BitsAllocated") in (8, 16)
        and (dataset.get("SamplesPerPixel") or 1) in (1, 3)
        and dataset.get("PhotometricInterpretation") is not None
    )
    if not fits:
        return ()
    bits = dataset.get("BitsStored") or 0
    side = min(dataset.get("Rows") or 0, dataset.get("Columns") or 0)
    least = {JPEGLSLossless: bits >= 2, JPEG2000Lossless: side >= _SMALLEST_JPEG_2000}
    return tuple(syntax for syntax in ENCODABLE if least.get(syntax, True))


@dataclass(frozen=True, slots=True)
class Converted:
    """One frame in another transfer syntax, and what its image says of it then (C.7.6.3)."""

    frame: bytes
    photometric_interpretation: str | None
    planar_configuration: int | None


def decode(image: Dataset, raw: bool) -> np.ndarray:
    """The only frame of an image, (rows, columns) or (rows, columns, samples).

    image: its pixel data in the transfer syntax that its file meta tells. raw: YBR stays YBR.
    Raises whatever the last of its decoders raises.
    """
    return _decoded(image, raw, whole_words=False)[0]


def convert(image: Dataset, transfer_syntax_uid: str) -> Converted:
    """The only frame of an image, uncompressed or in one of ENCODABLE, sample for sample the same.

    YBR_FULL_422 becomes RGB, since once decoded its chroma is no longer subsampled. Uncompressed
    colour is ordered as Planar Configuration says. Raises whatever a decoder or encoder raises.
    """
    subsampled = image.get("PhotometricInterpretation") == "YBR_FULL_422"
    frame, photometric = _decoded(image, raw=not subsampled, whole_words=True)
    planar = image.get("PlanarConfiguration", 0) if frame.ndim == 3 else None
    if transfer_syntax_uid == ExplicitVRLittleEndian:
        ordered = frame.transpose(2, 0, 1) if planar == 1 else frame
        little = ordered.astype(frame.dtype.newbyteorder("<"), copy=False)
        return Converted(little.tobytes(), photometric, planar)
    if photometric == "RGB" and transfer_syntax_uid == JPEG2000Lossless:
        photometric = "YBR_RCT"  # reversible, and a third smaller
    code_stream = _encoded(image, frame, photometric, transfer_syntax_uid)
    if planar is not None and transfer_syntax_uid in _COLOUR_BY_PIXEL:
        planar = 0
    return Converted(code_stream, photometric, planar)


def _decoded(image: Dataset, raw: bool, whole_words: bool) -> tuple[np.ndarray, str | None]:
    """whole_words: bits above Bits Stored are left as they are."""
    syntax = image.file_meta.TransferSyntaxUID
    decoder = get_decoder(syntax)
    *others, last = plugins(syntax) or ("",)
    for plugin in others:
        try:
            return _frame(decoder, image, raw, whole_words, plugin)
        except Exception:  # noqa: S112 (each library has errors of its own; the last one's counts)
            continue
    return _frame(decoder, image, raw, whole_words, last)


def _frame(
    decoder: Decoder, image: Dataset, raw: bool, whole_words: bool, plugin: str
) -> tuple[np.ndarray, str | None]:
    options: Any = {"correct_unused_bits": not whole_words}
    frame, told = decoder.as_array(image, index=0, raw=raw, decoding_plugin=plugin, **options)
    photometric = told.get("photometric_interpretation")
    return frame, None if photometric is None else str(photometric)


def _encoded(
    image: Dataset, frame: np.ndarray, photometric: str | None, transfer_syntax_uid: str
) -> bytes:
    bits = image.get("BitsStored") or image.BitsAllocated
    signed = image.get("PixelRepresentation") or 0
    if transfer_syntax_uid != RLELossless:  # which takes bytes as they come
        _check_range(frame, bits, signed)
    encoder = get_encoder(UID(transfer_syntax_uid))
    code_stream = encoder.encode(
        frame,
        encoding_plugin=_ENCODERS[UID(transfer_syntax_uid)],
        rows=image.Rows,
        columns=image.Columns,
        number_of_frames=1,
        samples_per_pixel=image.get("SamplesPerPixel") or 1,
        bits_allocated=frame.dtype.itemsize * 8,
        bits_stored=bits,
        pixel_representation=signed,
        photometric_interpretation=photometric or "MONOCHROME2",
        planar_configuration=0,
    )
    return bytes(code_stream)


def _check_range(frame: np.ndarray, bits: int, signed: int) -> None:
    """Old overlays lie in bits above Bits Stored; a code stream of that many would lose them."""
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if frame.min() < least or frame.max() > most:
        found = f"samples from {frame.min()} to {frame.max()}"
        raise ValueError(f"{found}, where Bits Stored says {bits} bits")


def plugins(transfer_syntax_uid: str) -> tuple[str, ...]:
    """Those installed, in order of preference."""
    wanted = _DECODERS.get(transfer_syntax_uid, ())
    installed = get_decoder(UID(transfer_syntax_uid)).available_plugins if wanted else ()
    return tuple(plugin for plugin in wanted if plugin in installed)

"""Compressed instances made plain on their way to a model, in the codecs' own processes.

Decoders hold the interpreter lock, so threads win nothing; and one that crashes, on an odd image,
must cost neither the model's process nor the worker.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.pixels.utils import pixel_array

from ai_models.gate.decoders import check_decoders
from gateway.retrieve.codec_processes import CodecFailed, codecs
from gateway.retrieve.codecs import NATIVE, plugins
from standards.errors import UnfitSeries


@dataclass(frozen=True, slots=True)
class Plain:
    """A file in Explicit VR Little Endian, and who decoded it.

    second: the other decoder that read its middle frame too; "" where none was asked, or none
        could. difference: the largest between the two, in stored values.
    """

    content: bytes
    decoder: str
    second: str = ""
    difference: float = 0.0


def is_compressed(header: Dataset) -> bool:
    """Whether `uncompressed` would do something: there is a decoder for its transfer syntax."""
    syntax = header.file_meta.get("TransferSyntaxUID", "")
    return syntax not in NATIVE and bool(plugins(syntax))


def uncompressed(content: bytes, header: Dataset, *, compare: bool) -> Plain:
    """The file with its pixels decoded. Raises UnfitSeries where they cannot be.

    compare: ask a second decoder too; UnfitSeries where the two do not agree. That there is none,
        or that it fails, says nothing of the image.
    """
    try:
        plain = _asked(content, compare)
    except CodecFailed as error:
        expected = f"pixel data in {header.file_meta.TransferSyntaxUID.name}"
        raise UnfitSeries("PixelData", "an image that cannot be decoded", expected) from error
    check_decoders(header.file_meta.TransferSyntaxUID, plain.difference)
    return plain


def _asked(content: bytes, compare: bool) -> Plain:
    try:
        return codecs.run(plain_of, content, compare)
    except CodecFailed:
        if not compare:
            raise
        return codecs.run(plain_of, content, False)  # the second decoder may have crashed


def plain_of(content: bytes, compare: bool) -> Plain:
    """Run in a codec process. Raises whatever the last of the decoders raises."""
    image = dcmread(BytesIO(content))
    used = _decompress(image)
    compared = _compared(image, dcmread(BytesIO(content)), used) if compare else ("", 0.0)
    buffer = BytesIO()
    image.save_as(buffer)
    return Plain(buffer.getvalue(), used, *compared)


def _decompress(image: Dataset) -> str:
    """In place; the name of the decoder that did it."""
    *others, last = plugins(image.file_meta.TransferSyntaxUID)
    for name in others:
        try:
            image.decompress(decoding_plugin=name, as_rgb=False, generate_instance_uid=False)
        except Exception:  # noqa: S112 (each library has errors of its own; the last one's counts)
            continue
        return name
    image.decompress(decoding_plugin=last, as_rgb=False, generate_instance_uid=False)
    return last


def _compared(plain: Dataset, compressed: Dataset, used: str) -> tuple[str, float]:
    """Another decoder that reads the middle frame, and its largest difference from the first."""
    middle = int(plain.get("NumberOfFrames") or 1) // 2
    for name in reversed(plugins(compressed.file_meta.TransferSyntaxUID)):  # the least alike
        if name == used:
            continue
        try:
            second = pixel_array(compressed, index=middle, decoding_plugin=name)
        except Exception:  # noqa: S112 (a decoder that cannot read it has no opinion)
            continue
        first = pixel_array(plain, index=middle).astype(np.int64)
        return name, float(np.abs(first - second).max())
    return "", 0.0

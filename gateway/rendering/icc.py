"""Colour spaces of rendered images: ICC profiles embedded and applied (PS3.18 8.3.5.1.5)."""

import struct
from collections.abc import Mapping
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms
from pydicom import Dataset

from gateway.rendering.attributes import items
from gateway.rendering.errors import InvalidRendering

EMBEDDABLE = ("image/jpeg", "image/png")

# Primaries adapted to D50, as Adobe RGB (1998) 4.3.5 and ISO 22028-2 give them: X, Y and Z.
_PRIMARIES: Mapping[str, tuple[tuple[float, float, float], ...]] = {
    "adobergb": (
        (0.60974, 0.31111, 0.01947),
        (0.20528, 0.62567, 0.06087),
        (0.14919, 0.06322, 0.74457),
    ),
    "rommrgb": ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491)),
}
_D50 = (0.9642, 1.0, 0.8249)
_CURVE_POINTS = 1024


def check_embeddable(wanted: str | None, media_type: str) -> None:
    """Raises InvalidRendering when a profile is wanted where none can be (8.3.5.1.5)."""
    if wanted not in (None, "no") and media_type not in EMBEDDABLE:
        expected = f"no, since {media_type} is given without a profile; or {EMBEDDABLE} in Accept"
        raise InvalidRendering("iccprofile", wanted, expected)


def coloured(
    picture: Image.Image, stored: bytes | None, wanted: str | None, notes: list[str]
) -> tuple[Image.Image, bytes | None]:
    """The picture in the colour space asked for, and the profile to embed.

    stored: ICC Profile of the object; without one its colours are taken for sRGB.
    """
    if wanted in (None, "no"):
        return picture, None
    source = _readable(stored, notes)
    picture = picture.convert("RGB")
    if wanted == "yes":
        return picture, source or well_known("srgb")
    target = well_known(wanted)
    changed = ImageCms.profileToProfile(
        picture, _opened(source or well_known("srgb")), _opened(target)
    )
    return changed or picture, target


def profile_of(dataset: Dataset) -> bytes | None:
    """The ICC Profile of an image, of its optical path, or of a presentation state."""
    for source in (dataset, *items(dataset, "OpticalPathSequence")[:1]):
        value = source.get("ICCProfile")
        if isinstance(value, bytes) and value:
            return value
    return None


@cache
def well_known(name: str) -> bytes:
    """The profile of a colour space of PS3.18 8.3.5.1.5."""
    if name == "srgb":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    steps = np.linspace(0, 1, _CURVE_POINTS)
    if name == "adobergb":
        curve = steps ** (563 / 256)
    else:
        curve = np.where(steps < 16 * 2**-9, steps / 16, steps**1.8)
    return _profile(name, _PRIMARIES[name], curve)


def _profile(name: str, primaries: tuple[tuple[float, ...], ...], curve: np.ndarray) -> bytes:
    """A display profile of three primaries and one tone curve (ICC.1:2001-04, 6.3.3)."""
    tone = struct.pack(">4sII", b"curv", 0, len(curve))
    tone += np.rint(curve * 65535).astype(">u2").tobytes()
    title = name.encode() + b"\0"
    described = struct.pack(">4sII", b"desc", 0, len(title)) + title + bytes(78)
    values = [(b"desc", described), (b"cprt", b"text\0\0\0\0CC0\0"), (b"wtpt", _xyz(_D50))]
    values += list(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, primaries), strict=True))
    values += [(b"rTRC", tone), (b"gTRC", tone), (b"bTRC", tone)]
    table, body = struct.pack(">I", len(values)), b""
    begin = 128 + 4 + 12 * len(values)
    for tag, value in values:
        table += struct.pack(">4sII", tag, begin + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    size = begin + len(body)
    header = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _xyz(_D50)[8:]
    return header.ljust(128, b"\0") + table + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(value * 65536) for value in values))


def _readable(stored: bytes | None, notes: list[str]) -> bytes | None:
    if stored is None:
        return None
    try:
        if stored[16:20] == b"RGB " and _opened(stored):
            return stored
    except (OSError, ImageCms.PyCMSError):
        pass
    notes.append("the stored ICC profile is no RGB profile, so sRGB is assumed")
    return None


def _opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(BytesIO(profile))

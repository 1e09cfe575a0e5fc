"""Pictures as files of the rendered media types: PS3.18 Table 8.7.4-1."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from PIL import Image, features

JPEG, PNG, GIF, JP2 = "image/jpeg", "image/png", "image/gif", "image/jp2"
_FORMATS = {JPEG: "JPEG", PNG: "PNG", GIF: "GIF", JP2: "JPEG2000"}
DEFAULT_QUALITY = 90
_LOSSY = (JPEG, JP2)


def image_types() -> tuple[str, ...]:
    """The media types of still pictures, the default first."""
    return (JPEG, PNG, GIF, JP2) if features.check("jpg_2000") else (JPEG, PNG, GIF)


def encoded(
    picture: Image.Image,
    media_type: str,
    quality: int | None,
    profile: bytes | None,
    aspect: float = 1.0,
) -> bytes:
    """One picture as a file, 8 bits per channel; JPEG is baseline, as PS3.18 8.7.4 asks.

    aspect: height of a pixel over its width, written where it is not 1 and the format can say it.
    """
    options: dict[str, Any] = _OPTIONS[media_type](quality)
    if profile is not None:
        options["icc_profile"] = profile
    if abs(aspect - 1) > 1e-3 and media_type in (JPEG, PNG):
        options["dpi"] = (round(96 * max(1.0, aspect)), round(96 * max(1.0, 1 / aspect)))
    written = BytesIO()
    picture.save(written, _FORMATS[media_type], **options)
    return written.getvalue()


def animated(pictures: Sequence[Image.Image], milliseconds: int) -> bytes:
    """A GIF that shows the pictures one after the other, for ever."""
    written = BytesIO()
    first, *others = pictures
    first.save(
        written,
        "GIF",
        save_all=True,
        append_images=others,
        duration=milliseconds,
        loop=0,
        optimize=False,
    )
    return written.getvalue()


def quality_note(media_type: str, quality: int | None) -> list[str]:
    if quality is None or media_type in _LOSSY:
        return []
    return [f"quality is passed over: {media_type} is lossless"]


def _jpeg(quality: int | None) -> dict[str, Any]:
    # Full chroma where quality is asked for: text and Doppler colours blur without it.
    quality = quality or DEFAULT_QUALITY
    return {"quality": quality, "subsampling": 0 if quality >= DEFAULT_QUALITY else 2}


def _jp2(quality: int | None) -> dict[str, Any]:
    if quality in (None, 100):
        return {"irreversible": False}
    return {"irreversible": True, "quality_mode": "dB", "quality_layers": [25 + (quality or 0) / 4]}


_OPTIONS = {JPEG: _jpeg, PNG: lambda _: {"compress_level": 4}, GIF: lambda _: {}, JP2: _jp2}

"""The ICC profile of colours that say nothing of themselves (PS3.3 C.11.15)."""

from PIL import ImageCms

_DEVICE_CLASS = slice(12, 16)  # of the header, ICC.1 7.2
_DATE = slice(24, 36)


def srgb_profile() -> bytes:
    """sRGB as an Input Device profile, the class that C.11.15.1.1 asks for; always the same bytes.

    Little CMS writes a display profile of now, which differs in nothing else.
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_DEVICE_CLASS] = b"scnr"
    profile[_DATE] = b"\x07\xea\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00"  # 2026-01-01
    return bytes(profile)

"""Videos, given as they are stored: one stream in the fragments of the pixel data (PS3.5 8.2.5)."""

import struct
from collections.abc import Mapping, Sequence

from gateway.retrieve.errors import UnusablePixelData
from standards.part10 import read_header

_MPEG2, _MP4, _H265 = "video/mpeg", "video/mp4", "video/H265"
_BASE = "1.2.840.10008.1.2.4."

# Transfer syntax -> media type, PS3.18 Table 8.7.3-5; `.1` are the fragmentable kinds.
VIDEO_TYPES: Mapping[str, str] = {
    f"{_BASE}{number}{suffix}": media_type
    for numbers, media_type in (
        (range(100, 102), _MPEG2),
        (range(102, 107), _MP4),
        (range(107, 109), _H265),
    )
    for number in numbers
    for suffix in ("", ".1")
}

_ITEM, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)


def stream_of(content: bytes) -> Sequence[memoryview]:
    """The pieces of the one stream that a Part 10 file holds, nothing copied.

    Raises UnusablePixelData when the pixel data are not fragments.
    """
    header = read_header(content)
    if header.pixel_data is None or not header.pixel_data.encapsulated:
        raise UnusablePixelData("a video that is not encapsulated")
    position = header.data_set_offset + header.pixel_data.offset
    end = position + header.pixel_data.length
    view, pieces = memoryview(content), []
    while position + 8 <= end:
        group, element, length = struct.unpack_from("<HHL", content, position)
        if (group, element) == _SEQUENCE_END:
            break
        if (group, element) != _ITEM or position + 8 + length > end:
            raise UnusablePixelData("fragments that cannot be told apart")
        pieces.append(view[position + 8 : position + 8 + length])
        position += 8 + length
    stream = pieces[1:]  # the first is the Basic Offset Table, PS3.5 A.4
    if not stream:
        raise UnusablePixelData("a video without a fragment")
    return stream

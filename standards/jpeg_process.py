"""Which JPEG process a bitstream was coded with: ITU-T T.81 B.1.1.3, PS3.5 8.2.1."""

BASELINE = "1.2.840.10008.1.2.4.50"
EXTENDED = "1.2.840.10008.1.2.4.51"
LOSSLESS = "1.2.840.10008.1.2.4.57"
LOSSLESS_FIRST_ORDER = "1.2.840.10008.1.2.4.70"  # what image/jpeg means without more, PS3.18 8.7.3

_BY_FRAME_HEADER = {0xC0: BASELINE, 0xC1: EXTENDED, 0xC3: LOSSLESS}
_SCAN = 0xDA
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length


def jpeg_transfer_syntax(beginning: bytes) -> str:
    """The transfer syntax of a JPEG bitstream, "" where its headers tell none that DICOM has.

    beginning: the bitstream up to its first scan, or longer.
    """
    position, process = 0, ""
    while position + 4 <= len(beginning) and beginning[position] == 0xFF:
        marker = beginning[position + 1]
        length = int.from_bytes(beginning[position + 2 : position + 4], "big")
        segment = beginning[position + 4 : position + 2 + length]
        if marker == _SCAN:
            return _with_predictor(process, segment)
        process = _BY_FRAME_HEADER.get(marker, process)
        position += 2 if marker in _ALONE else 2 + length
    return ""


def _with_predictor(process: str, scan_header: bytes) -> str:
    """Lossless with selection value 1 is a transfer syntax of its own."""
    first_order = len(scan_header) >= 3 and scan_header[-3] == 1
    return LOSSLESS_FIRST_ORDER if process == LOSSLESS and first_order else process

"""A Part 10 file rewritten as Explicit VR Little Endian, the web's default (PS3.18 8.7.3)."""

from io import BytesIO

import numpy as np
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from gateway.retrieve.decoding import decompressed_file
from gateway.retrieve.errors import NotDecodable
from gateway.retrieve.pixels import NATIVE

_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}


def explicit_little_endian(content: bytes, transfer_syntax_uid: str) -> bytes:
    """The same instance, uncompressed, with the same UIDs.

    Raises NotDecodable when its pixel data cannot be decoded here, or it cannot be rewritten.
    """
    if transfer_syntax_uid == ExplicitVRLittleEndian:
        return content
    if transfer_syntax_uid not in NATIVE:
        return decompressed_file(content, transfer_syntax_uid)
    try:
        dataset = dcmread(BytesIO(content), force=True)
        if transfer_syntax_uid == ExplicitVRBigEndian:
            dataset.walk(_swap_words)
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        written = BytesIO()
        dcmwrite(written, dataset, implicit_vr=False, little_endian=True)
    except Exception as error:  # pydicom's writer has no error of its own
        raise NotDecodable(transfer_syntax_uid, f"{type(error).__name__}: {error}") from error
    return written.getvalue()


def _swap_words(_: Dataset, element) -> None:
    """Words of binary values; pydicom swaps numbers by itself, but not these (PS3.5 7.3)."""
    width = _WORDS.get(element.VR)
    if width and isinstance(element.value, bytes) and len(element.value) % width == 0:
        words = np.frombuffer(element.value, f">u{width}")
        element.value = words.astype(f"<u{width}").tobytes()

"""Frames decoded, and put into another transfer syntax, outside the server's own process."""

import numpy as np
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from gateway.retrieve.codec_processes import CodecFailed, codecs
from gateway.retrieve.codecs import Converted, convert, decode
from gateway.retrieve.errors import NotDecodable, NotEncodable


def decoded_frame(image: Dataset, *, raw: bool) -> np.ndarray:
    """The only frame of an image, compressed in the transfer syntax that its file meta tells.

    raw:  YBR stays YBR. Raises NotDecodable.
    """
    try:
        return codecs.run(decode, image, raw)
    except CodecFailed as error:
        raise NotDecodable(image.file_meta.TransferSyntaxUID, str(error)) from error


def converted_frame(image: Dataset, transfer_syntax_uid: str) -> Converted:
    """The only frame of an image in another transfer syntax; see gateway.retrieve.codecs.convert.

    Raises NotDecodable, NotEncodable.
    """
    try:
        return codecs.run(convert, image, transfer_syntax_uid)
    except CodecFailed as error:
        if transfer_syntax_uid == ExplicitVRLittleEndian:
            raise NotDecodable(image.file_meta.TransferSyntaxUID, str(error)) from error
        raise NotEncodable(transfer_syntax_uid, str(error)) from error

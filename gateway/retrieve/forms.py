"""Which form of a resource a client gets: media type, transfer syntax, multipart or not.

PS3.18 8.7.3 (media types and transfer syntaxes of each resource category) and Table 10.4.1-1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from gateway.retrieve.pixels import NATIVE, is_decodable
from standards.media_types import MediaType

DICOM = "application/dicom"
OCTET_STREAM = "application/octet-stream"
AS_STORED = "*"
# "Shall not be used" as something to ask for, PS3.18 8.7.3.5.2; `*` gives even these as stored.
_NOT_ON_THE_WEB = frozenset((ImplicitVRLittleEndian, ExplicitVRBigEndian))

# Media types of compressed frames, PS3.18 Table 8.7.3-5; subtypes once also began with `x-`.
_JPEG, _JLS, _JP2, _JPX, _HTJ2K = "image/jpeg", "image/jls", "image/jp2", "image/jpx", "image/jphc"
_MPEG2, _MP4 = "video/mpeg", "video/mp4"
MEDIA_TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": _JPEG,
    "1.2.840.10008.1.2.4.51": _JPEG,
    "1.2.840.10008.1.2.4.57": _JPEG,
    "1.2.840.10008.1.2.4.70": _JPEG,
    "1.2.840.10008.1.2.4.80": _JLS,
    "1.2.840.10008.1.2.4.81": _JLS,
    "1.2.840.10008.1.2.4.90": _JP2,
    "1.2.840.10008.1.2.4.91": _JP2,
    "1.2.840.10008.1.2.4.92": _JPX,
    "1.2.840.10008.1.2.4.93": _JPX,
    "1.2.840.10008.1.2.4.201": _HTJ2K,
    "1.2.840.10008.1.2.4.202": _HTJ2K,
    "1.2.840.10008.1.2.4.203": _HTJ2K,
    "1.2.840.10008.1.2.4.100": _MPEG2,
    "1.2.840.10008.1.2.4.101": _MPEG2,
    "1.2.840.10008.1.2.4.102": _MP4,
    "1.2.840.10008.1.2.4.103": _MP4,
    "1.2.840.10008.1.2.4.104": _MP4,
    "1.2.840.10008.1.2.4.105": _MP4,
    "1.2.840.10008.1.2.4.106": _MP4,
}


@dataclass(frozen=True)
class Form:
    """How one instance or frame is given. `stored`: its bytes are left as they are."""

    media_type: str
    transfer_syntax_uid: str
    stored: bool
    multipart: bool

    @property
    def content_type(self) -> str:
        return f"{self.media_type}; transfer-syntax={self.transfer_syntax_uid}"


def instance_form(
    accepted: Sequence[MediaType], stored: str, *, single_part: bool = False
) -> Form | None:
    """The form of an instance in the transfer syntax `stored`, None when nothing acceptable is.

    single_part: application/dicom without multipart is allowed, as for one instance only.
    """
    for media_type in accepted:
        multipart = media_type.is_multipart or media_type.name == "*/*"
        if not media_type.covers(DICOM) or not (multipart or single_part):
            continue
        wanted = media_type.transfer_syntax
        if wanted == AS_STORED or (wanted == stored and stored not in _NOT_ON_THE_WEB):
            return Form(DICOM, stored, True, multipart)
        if wanted in (None, ExplicitVRLittleEndian) and is_decodable(stored):
            is_it = stored == ExplicitVRLittleEndian
            return Form(DICOM, ExplicitVRLittleEndian, is_it, multipart)
    return None


def frame_form(
    accepted: Sequence[MediaType], stored: str, *, single_part: bool = False
) -> Form | None:
    """The form of frames stored in the transfer syntax `stored`, None when nothing acceptable is.

    Native frames are always given as Explicit VR Little Endian. A compressed frame is given as it
    is when its own media type is asked for, or application/octet-stream with `*`, as OHIF does.
    single_part: one frame was asked for, which may come without multipart.
    """
    own = MEDIA_TYPES.get(stored, OCTET_STREAM)
    for media_type in accepted:
        multipart = media_type.is_multipart or media_type.name == "*/*"
        if not (multipart or single_part):
            continue
        wanted = media_type.transfer_syntax
        if stored in NATIVE:
            if media_type.covers(OCTET_STREAM) and wanted in _UNCOMPRESSED:
                return Form(OCTET_STREAM, ExplicitVRLittleEndian, True, multipart)
        elif media_type.covers(OCTET_STREAM) and wanted in (None, ExplicitVRLittleEndian):
            if is_decodable(stored):
                return Form(OCTET_STREAM, ExplicitVRLittleEndian, False, multipart)
            if own != OCTET_STREAM and media_type.covers(own):  # a range: as stored is better
                return Form(own, stored, True, multipart)  # than nothing
        elif media_type.covers(OCTET_STREAM) and wanted in (AS_STORED, stored):
            explicitly = media_type.root == OCTET_STREAM
            return Form(OCTET_STREAM if explicitly else own, stored, True, multipart)
        elif _covers_image(media_type, own) and wanted in (None, AS_STORED, stored):
            return Form(own, stored, True, multipart)
    return None


_UNCOMPRESSED = (None, AS_STORED, ExplicitVRLittleEndian)


def _covers_image(media_type: MediaType, own: str) -> bool:
    older = own.replace("/", "/x-")
    return media_type.covers(own) or media_type.covers(older)


def frames_offered(stored: str) -> str:
    """What frames in this transfer syntax can be had as, for the message of a refusal."""
    offers = []
    if is_decodable(stored):
        offers.append(f"{OCTET_STREAM}; transfer-syntax={ExplicitVRLittleEndian}")
    if stored not in NATIVE:
        offers += [f"{OCTET_STREAM}; transfer-syntax=*", MEDIA_TYPES.get(stored, OCTET_STREAM)]
    return ", ".join(offers)

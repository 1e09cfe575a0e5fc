"""Which form of a resource a client gets: media type, transfer syntax, multipart or not.

PS3.18 8.7.3 (media types and transfer syntaxes of each resource category) and Table 10.4.1-1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from gateway.retrieve.codecs import ENCODABLE, NATIVE, is_decodable
from standards.media_types import MediaType

DICOM = "application/dicom"
OCTET_STREAM = "application/octet-stream"
AS_STORED = "*"
# "Shall not be used" as something to ask for, PS3.18 8.7.3.5.2; `*` gives even these as stored.
NOT_ON_THE_WEB = frozenset((ImplicitVRLittleEndian, ExplicitVRBigEndian))

# Media types of compressed frames, PS3.18 Table 8.7.3-5; subtypes once also began with `x-`.
_JPEG, _JLS, _JP2, _JPX, _HTJ2K = "image/jpeg", "image/jls", "image/jp2", "image/jpx", "image/jphc"
_RLE, _MPEG2, _MP4 = "image/dicom-rle", "video/mpeg", "video/mp4"
MEDIA_TYPES = {
    "1.2.840.10008.1.2.5": _RLE,
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


def is_multipart(media_type: MediaType) -> bool:
    """A client that takes anything gets what it would get with no Accept: the default."""
    return media_type.is_multipart or media_type.name == "*/*"


def asks_for_bulk_data(accepted: Sequence[MediaType]) -> bool:
    """Whether multipart application/octet-stream is wanted where instances are offered.

    PS3.18 10.4.1.1.1 keeps that meaning of it for older clients.
    """
    for media_type in accepted:
        if media_type.covers(DICOM):
            return False
        if media_type.is_multipart and media_type.root == OCTET_STREAM:
            return True
    return False


def instance_form(
    accepted: Sequence[MediaType],
    stored: str,
    *,
    single_part: bool = False,
    encodable: Sequence[str] = ENCODABLE,
) -> Form | None:
    """The form of an instance in the transfer syntax `stored`, None when nothing acceptable is.

    single_part: application/dicom without multipart is allowed, as for one instance only.
    encodable: the compressed transfer syntaxes that it can be put into.
    """
    for media_type in accepted:
        multipart = is_multipart(media_type)
        if not media_type.covers(DICOM) or not (multipart or single_part):
            continue
        syntax = _instance_syntax(media_type.transfer_syntax, stored, encodable)
        if syntax is not None:
            return Form(DICOM, syntax, syntax == stored, multipart)
    return None


def _instance_syntax(wanted: str | None, stored: str, encodable: Sequence[str]) -> str | None:
    if wanted == AS_STORED or (wanted == stored and stored not in NOT_ON_THE_WEB):
        return stored
    if not is_decodable(stored):  # films and the like: without a wish, what there is
        return stored if wanted is None else None
    if wanted in (None, ExplicitVRLittleEndian):
        return ExplicitVRLittleEndian
    return wanted if wanted in encodable else None


def frame_form(
    accepted: Sequence[MediaType],
    stored: str,
    *,
    single_part: bool = False,
    encodable: Sequence[str] = (),
) -> Form | None:
    """The form of frames stored in the transfer syntax `stored`, None when nothing acceptable is.

    Native frames are always given as Explicit VR Little Endian, unless a compressed form is asked
    for. A compressed frame is given as it is when its own media type is asked for, or
    application/octet-stream with `*`, as OHIF does.
    single_part: one frame was asked for, which may come without multipart.
    encodable: the compressed transfer syntaxes that they can be put into.
    """
    stored = ExplicitVRLittleEndian if stored in NATIVE else stored
    for media_type in accepted:
        if not (is_multipart(media_type) or single_part):
            continue
        found = _octets(media_type, stored, encodable) or _image(media_type, stored, encodable)
        if found is not None:
            name, syntax = found
            return Form(name, syntax, syntax == stored, is_multipart(media_type))
    return None


def _octets(media_type: MediaType, stored: str, encodable: Sequence[str]) -> tuple[str, str] | None:
    """Media type and transfer syntax of frames for a range that has application/octet-stream."""
    if not media_type.covers(OCTET_STREAM):
        return None
    wanted = media_type.transfer_syntax
    if wanted in (None, ExplicitVRLittleEndian):
        return (OCTET_STREAM, ExplicitVRLittleEndian) if is_decodable(stored) else None
    if wanted in (AS_STORED, stored):
        explicitly = media_type.root == OCTET_STREAM
        return OCTET_STREAM if explicitly else MEDIA_TYPES.get(stored, OCTET_STREAM), stored
    return (OCTET_STREAM, wanted) if wanted in encodable else None


def _image(media_type: MediaType, stored: str, encodable: Sequence[str]) -> tuple[str, str] | None:
    """As `_octets`, for image/jls and its like: as stored if it is that, else made so."""
    wanted = media_type.transfer_syntax
    for syntax in (stored, *encodable):
        name = MEDIA_TYPES.get(syntax)
        if name and _covers_image(media_type, name) and wanted in (None, AS_STORED, syntax):
            return name, syntax
    return None


def _covers_image(media_type: MediaType, name: str) -> bool:
    older = name.replace("/", "/x-")
    return media_type.covers(name) or media_type.covers(older)


def instances_offered(stored: str, *, single_part: bool, encodable: Sequence[str]) -> str:
    """What an instance in this transfer syntax can be had as, for the message of a refusal."""
    syntaxes = ["*"]
    if is_decodable(stored):
        syntaxes += [ExplicitVRLittleEndian, *encodable]
    name = DICOM if single_part else f'multipart/related; type="{DICOM}"'
    return ", ".join(f"{name}; transfer-syntax={syntax}" for syntax in syntaxes)


def frames_offered(stored: str, encodable: Sequence[str] = ()) -> str:
    """What frames in this transfer syntax can be had as, for the message of a refusal."""
    offers = []
    if is_decodable(stored):
        offers.append(f"{OCTET_STREAM}; transfer-syntax={ExplicitVRLittleEndian}")
    if stored not in NATIVE:
        offers += [f"{OCTET_STREAM}; transfer-syntax=*", MEDIA_TYPES.get(stored, OCTET_STREAM)]
    offers += [f"{MEDIA_TYPES[each]}; transfer-syntax={each}" for each in encodable]
    return ", ".join(dict.fromkeys(offers))

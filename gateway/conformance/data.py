"""Annexes of the statement: SOP classes, transfer syntaxes, character sets."""

from pydicom.charset import python_encoding
from pydicom.uid import UID

from adapters.dimse import TRANSFER_SYNTAXES, storage_classes
from gateway.conformance.markdown import code, document, table
from gateway.rendering.videos import VIDEO_TYPES
from gateway.retrieve.codecs import ENCODABLE, NATIVE, is_decodable
from gateway.retrieve.forms import MEDIA_TYPES, NOT_ON_THE_WEB, OCTET_STREAM

# What a model's findings are written as; a test compares it with gateway/outputs.py.
CREATED = {
    "1.2.840.10008.5.1.4.1.1.66.4": "label maps, one segment a structure (BINARY)",
    "1.2.840.10008.5.1.4.1.1.88.34": "measurements and findings, TID 1500: root of the result",
    "1.2.840.10008.5.1.4.1.1.11.1": "outlines, regions and window of grey images, for viewers "
    "without segmentations",
    "1.2.840.10008.5.1.4.1.1.11.2": "regions on colour images",
    "1.2.840.10008.5.1.4.1.1.30": "heat maps, float32, one frame a slice",
    "1.2.840.10008.5.1.4.1.1.7": "one drawn slice, for viewers without any of these",
}


def created() -> str:
    rows = [(UID(uid).name, code(uid), purpose) for uid, purpose in CREATED.items()]
    return table(("SOP Class", "UID", "carries"), rows)


def stored() -> str:
    rows = [(UID(uid).name if UID(uid).name != uid else "", code(uid)) for uid in storage_classes()]
    return document(
        "All of these are stored, retrieved, and found by searches. DICOMweb takes a Storage SOP "
        f"Class that is newer than this table too, if its UID begins with {code(_ROOT)}.",
        table(("SOP Class", "UID"), rows),
    )


def transfer_syntaxes() -> str:
    """What is stored as it comes, and in which forms it is given."""
    return document(
        "Instances are stored byte for byte as they come. `transfer-syntax=*` gives them so, and "
        "each one's own UID too, but for those that PS3.18 8.7.3.5.2 forbids to ask for. Without "
        "`transfer-syntax`, or where Explicit VR Little Endian is asked for, they are decompressed "
        "where the table says so; where it does not, the answer is 406. Other images, of 8 or 16 "
        "bits and one or three samples, are compressed to it losslessly where somebody asks for "
        "it. *Frames* is the media type of compressed frames.",
        table(
            ("Transfer Syntax", "UID", "by its UID", "decompressed", "compressed to", "Frames"),
            [_syntax(uid) for uid in TRANSFER_SYNTAXES],
        ),
    )


def character_sets() -> str:
    return document(
        "Text in these is read into UTF-8, in which DICOM JSON, XML and FHIR are written; Specific "
        "Character Set (0008,0005) goes on telling what is stored. What the gateway creates is "
        "in `ISO_IR 192`.",
        table(("Defined Term",), [[code(term)] for term in python_encoding if term]),
    )


def _syntax(uid: str) -> tuple[str, ...]:
    native = uid in NATIVE
    return (
        UID(uid).name,
        code(uid),
        "no" if uid in NOT_ON_THE_WEB else "yes",
        "yes" if is_decodable(uid) else "no",
        "yes" if uid in ENCODABLE else "no",
        code(OCTET_STREAM if native else MEDIA_TYPES.get(uid) or VIDEO_TYPES.get(uid, "")),
    )


_ROOT = "1.2.840.10008.5.1.4.1.1."

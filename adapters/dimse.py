"""DIMSE in: a C-STORE and C-ECHO provider (PS3.4 B, PS3.4 A), by pynetdicom.

Its threads end here: each association has one, and calls `receive` for every instance.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.transport import ThreadedAssociationServer

from adapters.errors import DimseNotListening
from standards.storable import is_storage_class, is_transfer_syntax

LARGEST_PDU = 131072  # bytes; the default of 16382 costs a sixth of the speed
_ASSOCIATIONS = 50
_VERIFICATION = "1.2.840.10008.1.1"
_NEWER_THAN_THE_DICTIONARY = ("1.2.840.10008.5.1.4.1.1.66.7",)  # Label Map Segmentation, Sup 243
_TRANSFER_SYNTAXES = [uid for uid in UID_dictionary if is_transfer_syntax(uid)]  # retired ones too
_LONGEST_COMMENT = 64  # characters of Error Comment (0000,0902), VR LO

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Association:
    """Who called whom, for as long as they talk. number: its own among those of this process."""

    number: int
    calling_ae_title: str
    called_ae_title: str


@dataclass(frozen=True, slots=True)
class Status:
    """The answer to one C-STORE, PS3.4 B.2.3: 0 is success. comment: shown to the sender."""

    code: int = 0x0000
    comment: str = ""


PROCESSING_FAILURE = Status(0x0110, "unexpected error; see the log of the receiver")


def serve_dimse(
    ae_title: str,
    host: str,
    port: int,
    receive: Callable[[Association, bytes], Status],
    ended: Callable[[Association], None],
) -> ThreadedAssociationServer:
    """Listen until `shutdown` of what is returned. Any called AE title is accepted and passed on.

    receive: given a whole Part 10 file, the data set's bytes as they came; the instance is
    acknowledged with what it returns, so it returns success only when the bytes are safe.
    ended: called once when an association is released, aborted or lost.
    Raises DimseNotListening when the address cannot be used.
    """
    provider = AE(ae_title)
    provider.maximum_pdu_size = LARGEST_PDU
    provider.maximum_associations = _ASSOCIATIONS
    provider.add_supported_context(_VERIFICATION)
    for sop_class in storage_classes():
        provider.add_supported_context(sop_class, _TRANSFER_SYNTAXES)
    handlers = [
        (evt.EVT_C_STORE, _store, [receive]),
        (evt.EVT_CONN_CLOSE, _end, [ended]),
    ]
    try:
        return provider.start_server((host, port), block=False, evt_handlers=handlers)  # type: ignore[return-value]
    except OSError as error:
        raise DimseNotListening(f"{ae_title}@{host}:{port}", error.strerror or "") from error


def storage_classes() -> list[str]:
    """All Storage SOP Classes, those newer than the dictionary included."""
    known = [uid for uid in UID_dictionary if is_storage_class(uid)]
    return [*known, *(uid for uid in _NEWER_THAN_THE_DICTIONARY if uid not in known)]


def _store(event: evt.Event, receive: Callable[[Association, bytes], Status]) -> Dataset:
    try:
        status = receive(_association(event), event.encoded_dataset())
    except Exception:  # the association must outlive whatever one instance does
        log.exception("C-STORE failed")
        status = PROCESSING_FAILURE
    answer = Dataset()
    answer.Status = status.code
    if status.comment:
        answer.ErrorComment = status.comment[:_LONGEST_COMMENT]
    return answer


def _end(event: evt.Event, ended: Callable[[Association], None]) -> None:
    try:
        ended(_association(event))
    except Exception:  # nobody is left to tell
        log.exception("the end of an association was not noted")


def _association(event: evt.Event) -> Association:
    requestor = event.assoc.requestor.primitive
    if requestor is None:  # the connection ended before anything was asked
        return Association(id(event.assoc), "", "")
    return Association(
        id(event.assoc),
        str(requestor.calling_ae_title).strip(),
        str(requestor.called_ae_title).strip(),
    )

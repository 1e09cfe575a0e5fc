"""DIMSE in: a C-STORE and C-ECHO provider (PS3.4 B, PS3.4 A), by pynetdicom; and notices beside.

Its threads end here: each association has one, and calls `receive` for every instance. An instance
goes to a file of the temporary folder as it comes (TMPDIR), so that no association takes more
memory than a PDU, whatever it sends.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset
from pynetdicom import AE, _config, evt
from pynetdicom.transport import AssociationSocket, ThreadedAssociationServer

from adapters.dimse_notices import Notices, accept_notices
from adapters.dimse_status import PROCESSING_FAILURE, Status
from adapters.errors import DimseNotListening
from standards.storable import is_storage_class, is_transfer_syntax

LARGEST_PDU = 131072  # bytes; the default of 16382 costs a sixth of the speed
LONGEST_PDU = 8 << 20  # bytes; an association request with every class in every syntax has 0.5 MB
MAXIMUM_ASSOCIATIONS = 50
VERIFICATION = "1.2.840.10008.1.1"
_NEWER_THAN_THE_DICTIONARY = ("1.2.840.10008.5.1.4.1.1.66.7",)  # Label Map Segmentation, Sup 243
TRANSFER_SYNTAXES = [uid for uid in UID_dictionary if is_transfer_syntax(uid)]  # retired ones too
_MOST_UNANSWERED = 16  # messages; the asynchronous operations window is 1
LARGEST_NOTICE = 8 << 20  # bytes of a data set that is no instance: it is held in memory

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Association:
    """Who called whom, for as long as they talk. number: its own among those of this process."""

    number: int
    calling_ae_title: str
    called_ae_title: str
    source_address: str = ""  # IP


Receive = Callable[[Association, Path], Status]
Ended = Callable[[Association, bool], None]


def serve_dimse(  # noqa: PLR0913 (an address and what is done there)
    ae_title: str,
    host: str,
    port: int,
    receive: Receive,
    ended: Ended,
    *,
    notices: Notices,
    largest: int,
) -> ThreadedAssociationServer:
    """Listen until `shutdown` of what is returned. Any called AE title is accepted and passed on.

    receive: given a whole Part 10 file, the data set's bytes as they came; the file goes when it
    returns. The instance is acknowledged with what it returns, so it returns success only when the
    bytes are safe.
    largest: bytes of an instance; an association that sends a larger one is aborted.
    ended: called when an association has ended, with whether its requestor released it; once more
        when the connection of a released one is closed.
    notices: given what is announced by DIMSE-N.
    Raises DimseNotListening when the address cannot be used.
    """
    _config.STORE_RECV_CHUNKED_DATASET = True
    provider = AE(ae_title)
    provider.maximum_pdu_size = LARGEST_PDU
    provider.maximum_associations = MAXIMUM_ASSOCIATIONS
    provider.add_supported_context(VERIFICATION)
    for sop_class in storage_classes():
        provider.add_supported_context(sop_class, TRANSFER_SYNTAXES)
    handlers = [
        (evt.EVT_CONN_OPEN, _open),
        (evt.EVT_PDU_RECV, _guard, [largest]),
        (evt.EVT_C_STORE, _store, [receive]),
        (evt.EVT_RELEASED, _released, [ended]),
        (evt.EVT_CONN_CLOSE, _end, [ended]),
        *accept_notices(provider, notices),
    ]
    try:
        return provider.start_server((host, port), block=False, evt_handlers=handlers)  # type: ignore[return-value]
    except OSError as error:
        raise DimseNotListening(f"{ae_title}@{host}:{port}", error.strerror or "") from error


def storage_classes() -> list[str]:
    """All Storage SOP Classes, those newer than the dictionary included."""
    known = [uid for uid in UID_dictionary if is_storage_class(uid)]
    return [*known, *(uid for uid in _NEWER_THAN_THE_DICTIONARY if uid not in known)]


def _open(event: evt.Event) -> None:
    """pynetdicom reads 4 KiB at a time, and a PDU of whatever length it is told."""
    association_socket = event.assoc.dul.socket
    if association_socket is not None:
        association_socket.recv = partial(_received, association_socket)  # type: ignore[method-assign]


def _received(association_socket: AssociationSocket, length: int) -> bytearray:
    """So many bytes, or fewer when the connection ended. Raises OSError beyond LONGEST_PDU."""
    if length > LONGEST_PDU or association_socket.socket is None:
        raise OSError(f"a PDU of {length} bytes, or no connection")
    buffer = bytearray(length)
    view, end = memoryview(buffer), 0
    while end < length and (more := association_socket.socket.recv_into(view[end:])):
        end += more
    view.release()
    return buffer[:end] if end < length else buffer


def _guard(event: evt.Event, largest: int) -> None:
    """Abort what sends more than one instance may hold, or ever more without awaiting answers."""
    file, unanswered = _unfinished(event), event.assoc.dimse.msg_queue.qsize()
    too_large = file is not None and file.tell() > largest
    too_large = too_large or _in_memory(event) > LARGEST_NOTICE
    if (too_large or unanswered > _MOST_UNANSWERED) and event.assoc.is_established:
        log.warning("an association is aborted: it sends more than may be kept")
        event.assoc.acse.send_abort(0x00)  # `abort` would wait for the very thread that calls us


def _unfinished(event: evt.Event) -> Any:
    """The file of an instance that has not come to its end."""
    return getattr(event.assoc.dimse.message, "_data_set_file", None)


def _in_memory(event: evt.Event) -> int:
    """Bytes of a data set that goes to no file, as far as it has come."""
    data_set = getattr(event.assoc.dimse.message, "data_set", None)
    return 0 if data_set is None else data_set.tell()


def _store(event: evt.Event, receive: Receive) -> Dataset:
    try:
        status = receive(_association(event), Path(event.dataset_path))
    except Exception:  # the association must outlive whatever one instance does
        log.exception("C-STORE failed")
        status = PROCESSING_FAILURE
    return status.dataset()


def _released(event: evt.Event, ended: Ended) -> None:
    try:
        ended(_association(event), True)
    except Exception:  # the requestor is gone already
        log.exception("the release of an association was not noted")


def _end(event: evt.Event, ended: Ended) -> None:
    if (file := _unfinished(event)) is not None:
        file.close()
        with suppress(OSError):  # the server's next start empties the folder
            Path(file.name).unlink()
    try:
        ended(_association(event), False)
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
        str(event.assoc.requestor.address or ""),
    )

"""DIMSE-N in: what modalities and archives announce (PS3.4 F.7 and R.3), by pynetdicom.

Beside C-STORE on the same associations; see adapters/dimse.py.
"""

import logging
import uuid
from typing import Any, Protocol

from pydicom.dataset import Dataset
from pynetdicom import AE, evt

from adapters.dimse_status import PROCESSING_FAILURE, Status
from standards.announcements import AVAILABILITY, PERFORMED_STEP

NO_SUCH_CLASS = Status(0x0118, "no such SOP Class here")

log = logging.getLogger(__name__)


class Notices(Protocol):
    """What is done with announcements. Each answers with the status of PS3.7 Annex C."""

    def step_created(self, uid: str, step: Dataset) -> Status:
        """A Modality Performed Procedure Step began (N-CREATE)."""
        ...

    def step_changed(self, uid: str, changes: Dataset) -> Status:
        """It went on, or ended (N-SET)."""
        ...

    def available(self, uid: str, notice: Dataset) -> Status:
        """Instances of a study can be had (N-CREATE of an Instance Availability Notification)."""
        ...


def accept_notices(provider: AE, notices: Notices) -> list[tuple]:
    """Let the provider accept them; the handlers that it is to be started with."""
    for sop_class in (PERFORMED_STEP, AVAILABILITY):
        provider.add_supported_context(sop_class)
    return [(evt.EVT_N_CREATE, _create, [notices]), (evt.EVT_N_SET, _set, [notices])]


def _create(event: evt.Event, notices: Notices) -> tuple[Dataset, Dataset | None]:
    """A requestor may leave it to us to name what it creates, PS3.7 10.1.5.1.4."""
    request: Any = event.request
    named = request.AffectedSOPInstanceUID
    uid = str(named or f"2.25.{uuid.uuid4().int}")
    answer = None
    if not named:
        answer = Dataset()
        answer.AffectedSOPInstanceUID = uid
    sop_class = str(request.AffectedSOPClassUID)
    try:
        if sop_class == PERFORMED_STEP:
            status = notices.step_created(uid, event.attribute_list)
        elif sop_class == AVAILABILITY:
            status = notices.available(uid, event.attribute_list)
        else:
            status = NO_SUCH_CLASS
    except Exception:  # the association must outlive whatever one data set does
        log.exception("N-CREATE failed")
        status = PROCESSING_FAILURE
    return status.dataset(), answer


def _set(event: evt.Event, notices: Notices) -> tuple[Dataset, None]:
    request: Any = event.request
    try:
        uid = str(request.RequestedSOPInstanceUID)
        status = notices.step_changed(uid, event.modification_list)
    except Exception:  # as above
        log.exception("N-SET failed")
        status = PROCESSING_FAILURE
    return status.dataset(), None

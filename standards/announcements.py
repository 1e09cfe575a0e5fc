"""What other systems announce of a study: Modality Performed Procedure Steps, and availability.

MPPS: PS3.3 B.17.2, PS3.4 F.7. Instance Availability Notification: PS3.3 B.25.2, PS3.4 R.3.
"""

from collections.abc import Iterable
from enum import StrEnum

from pydicom import Dataset

from standards.uids import is_uid

PERFORMED_STEP = "1.2.840.10008.3.1.2.3.3"  # Modality Performed Procedure Step
AVAILABILITY = "1.2.840.10008.5.1.4.33"  # Instance Availability Notification

UNAVAILABLE = "UNAVAILABLE"  # Instance Availability (0008,0056), PS3.3 C.4.23.1.1


class StepStatus(StrEnum):
    """Performed Procedure Step Status (0040,0252), PS3.3 C.4.14."""

    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"


def step_status(step: Dataset) -> StepStatus | None:
    """None where it is absent or no status of the standard."""
    found = str(step.get("PerformedProcedureStepStatus", ""))
    return next((status for status in StepStatus if status == found), None)


def studies_of_step(step: Dataset) -> list[str]:
    """Study Instance UIDs that a performed step belongs to, as its creation names them."""
    scheduled = step.get("ScheduledStepAttributesSequence") or []
    return _distinct(str(item.get("StudyInstanceUID", "")) for item in scheduled)


def instances_of_step(step: Dataset) -> list[str]:
    """SOP Instance UIDs that a performed step lists, images and others."""
    return _distinct(
        str(reference.get("ReferencedSOPInstanceUID", ""))
        for series in step.get("PerformedSeriesSequence") or []
        for keyword in (
            "ReferencedImageSequence",
            "ReferencedNonImageCompositeSOPInstanceSequence",
        )
        for reference in series.get(keyword) or []
    )


def available_instances(notice: Dataset) -> list[str]:
    """SOP Instance UIDs that a notification calls available, in whatever way."""
    return _distinct(
        str(reference.get("ReferencedSOPInstanceUID", ""))
        for series in notice.get("ReferencedSeriesSequence") or []
        for reference in series.get("ReferencedSOPSequence") or []
        if reference.get("InstanceAvailability") != UNAVAILABLE
    )


def _distinct(uids: Iterable[str]) -> list[str]:
    return sorted({uid for uid in uids if is_uid(uid)})

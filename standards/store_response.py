"""What a store request is answered: reasons, and the response module of PS3.18 Annex I."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class FailureReason(IntEnum):
    """(0008,1197) and the C-STORE status of the same number: PS3.18 Table I.2-2, PS3.4 B.2.3."""

    PROCESSING_FAILURE = 0x0110
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    NOT_AUTHORIZED = 0x0124
    OUT_OF_RESOURCES = 0xA700
    DOES_NOT_MATCH_SOP_CLASS = 0xA900
    CANNOT_UNDERSTAND = 0xC000
    TRANSFER_SYNTAX_NOT_SUPPORTED = 0xC122


class WarningReason(IntEnum):
    """(0008,1196) and the C-STORE status of the same number: PS3.18 Table I.2-1."""

    COERCION_OF_DATA_ELEMENTS = 0xB000


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """original_attributes: the item of Original Attributes Sequence that tells what was changed
    when the instance was stored; None when it was stored as it came."""

    study_instance_uid: str
    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    original_attributes: Mapping[str, Any] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class FailedInstance:
    """An instance that was not kept. UIDs are empty where they could not be read."""

    failure_reason: FailureReason
    reason: str
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class StoreResult:
    stored: Sequence[StoredInstance] = field(default_factory=tuple)
    failed: Sequence[FailedInstance] = field(default_factory=tuple)

    @property
    def status(self) -> int:
        """The HTTP status, PS3.18 Table 10.5.3-1: 200, 202 some stored, 409, 503 archive down.

        202 too when what was stored was changed; 400 when nothing could be read at all.
        """
        if not self.failed:
            return 202 if self.coerced else 200
        if self.stored:
            return 202
        if all(each.failure_reason == FailureReason.OUT_OF_RESOURCES for each in self.failed):
            return 503
        if not any(each.sop_instance_uid for each in self.failed):
            return 400
        return 409

    def dataset(self, studies_url: str) -> dict[str, Any]:
        """The response as DICOM JSON. studies_url: absolute, such as https://host/dicom-web/studies

        A sequence without items is left out: it is conditional (type 1C), so empty is wrong.
        """
        response: dict[str, Any] = {}
        unreadable = [each for each in self.failed if not each.sop_instance_uid]
        failed = [each for each in self.failed if each.sop_instance_uid]
        studies = {each.study_instance_uid for each in self.stored}
        if failed:
            response["00081198"] = _sequence([_failed(each) for each in failed])
        url = [f"{studies_url}/{uid}" for uid in studies] if len(studies) == 1 else []
        response["00081190"] = {"vr": "UR", "Value": url} if url else {"vr": "UR"}
        if self.stored:
            response["00081199"] = _sequence([_stored(each, studies_url) for each in self.stored])
        if unreadable:
            response["0008119A"] = _sequence([_reason(each) for each in unreadable])
        return dict(sorted(response.items()))

    @property
    def coerced(self) -> int:
        """How many were stored with changed attributes."""
        return sum(each.original_attributes is not None for each in self.stored)

    @property
    def warning(self) -> str:
        """The text for a Warning header (RFC 9111 has dropped it, PS3.18 keeps it); "" if none."""
        coerced = f"{self.coerced} stored with coerced attributes" if self.coerced else ""
        told = "; ".join(text for text in (self._not_stored, coerced) if text)
        return told.encode("ascii", "backslashreplace").decode("ascii")  # it may quote the sender

    @property
    def _not_stored(self) -> str:
        if not self.failed:
            return ""
        reasons = list(dict.fromkeys(each.reason for each in self.failed))
        more = f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else ""
        told = f"{len(self.failed)} of {len(self.failed) + len(self.stored)} not stored: "
        return told + reasons[0].replace('"', "'") + more


def _stored(instance: StoredInstance, studies_url: str) -> dict[str, Any]:
    url = (
        f"{studies_url}/{instance.study_instance_uid}/series/{instance.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}"
    )
    item = {
        "00081150": {"vr": "UI", "Value": [instance.sop_class_uid]},
        "00081155": {"vr": "UI", "Value": [instance.sop_instance_uid]},
        "00081190": {"vr": "UR", "Value": [url]},
    }
    if instance.original_attributes is not None:
        reason = int(WarningReason.COERCION_OF_DATA_ELEMENTS)
        item["00081196"] = {"vr": "US", "Value": [reason]}
        item["04000561"] = {"vr": "SQ", "Value": [instance.original_attributes]}
    return item


def _failed(instance: FailedInstance) -> dict[str, Any]:
    sop_class = {"vr": "UI", "Value": [instance.sop_class_uid]}
    return {
        "00081150": sop_class if instance.sop_class_uid else {"vr": "UI"},
        "00081155": {"vr": "UI", "Value": [instance.sop_instance_uid]},
        **_reason(instance),
    }


def _reason(instance: FailedInstance) -> dict[str, Any]:
    return {"00081197": {"vr": "US", "Value": [int(instance.failure_reason)]}}


def _sequence(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"vr": "SQ", "Value": [dict(sorted(item.items())) for item in items]}

"""What FHIR says of results and studies that were deleted, and of results that gave way to others.

They do not vanish from an EHR silently.

FHIR R4 has `entered-in-error` for what was released and must not be used any more: a receiver that
has the resource already learns so when it reads it again, or searches by _lastUpdated. Of an
ImagingStudy it means that it was withdrawn (R4, imagingstudy-status).
"""

from collections.abc import Collection
from typing import Any

from standards.fhir.imaging_study import modalities

ENTERED_IN_ERROR = "entered-in-error"

Body = dict[str, Any]


def withdrawn(body: Body, reason: str) -> Body:
    """An Observation or DiagnosticReport (its JSON) that is not to be used any more.

    reason: for people, without anything of the patient; a report tells it first of all.
    """
    if body["status"] == ENTERED_IN_ERROR:
        return body
    changed = body | {"status": ENTERED_IN_ERROR}
    if body["resourceType"] == "DiagnosticReport":
        changed["conclusion"] = f"Withdrawn: {reason}. It said: {body.get('conclusion', '')}"
    return changed


def without_instances(body: Body, sop_instance_uids: Collection[str], *, deleted: bool) -> Body:
    """An ImagingStudy (its JSON) without these instances, and without series that had no others.

    deleted: the whole study is gone, so it is withdrawn.
    """
    series = [_series_without(one, sop_instance_uids) for one in body.get("series", ())]
    left = [] if deleted else [one for one in series if one is not None]
    changed = {name: value for name, value in body.items() if name not in ("series", "modality")}
    if left:
        changed |= {"modality": modalities(left), "series": left}
    return changed | ({"status": ENTERED_IN_ERROR} if deleted else {})


def _series_without(series: Body, sop_instance_uids: Collection[str]) -> Body | None:
    left = [one for one in series.get("instance", ()) if one["uid"] not in sop_instance_uids]
    return series | {"instance": left, "numberOfInstances": len(left)} if left else None

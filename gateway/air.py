"""The AIR result tree of one workitem: the root SR, its primitives, and every carrier (IHE AIR)."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from standards.analysis import Analysis, Result
from standards.findings import Findings, Measurement

if TYPE_CHECKING:  # at run time it would bring highdicom and scipy into every process
    from gateway.outputs import Encoded

DELETED = "its DICOM objects were deleted from the archive"


def tree(result: Result, objects: Sequence["Encoded"], fhir: Sequence[Any]) -> dict[str, object]:
    """Everything a client needs to walk from the result to its carriers, as plain JSON."""
    root = next(o.dataset for o in objects if o.kind == "SR")
    return {
        "root": str(root.SOPInstanceUID),
        "algorithm": _algorithm(result.analysis),
        "source": _source(result.analysis),
        "objects": [_object(one) for one in objects],
        "measurements": [
            _measurement(result, measurement) for measurement in result.findings.measurements
        ],
        "regions": _regions(result),
        "warnings": [one.text for one in result.findings.caveats],
        "fhir": _fhir(fhir),
    }


def refusal_tree(analysis: Analysis, reason: str, fhir: Sequence[Any]) -> dict[str, object]:
    """The tree of a refusal: no objects, but who refused, why, and where FHIR says so."""
    return {
        "root": None,
        "reason": reason,
        "algorithm": _algorithm(analysis),
        "source": _source(analysis),
        "objects": [],
        "measurements": [],
        "regions": [],
        "warnings": [],
        "fhir": _fhir(fhir),
    }


def without(results: dict[str, Any], sop_instance_uids: Collection[str]) -> dict[str, Any]:
    """A tree whose deleted objects are left out; one that lost its root says so."""
    objects = [
        one for one in results["objects"] if one["sop_instance_uid"] not in sop_instance_uids
    ]
    lost = results["root"] in sop_instance_uids
    told = {"root": None, "reason": DELETED} if lost else {}
    return results | told | {"objects": objects}


def _source(analysis: Analysis) -> dict[str, object]:
    return {
        "study_instance_uid": analysis.study_instance_uid,
        "series_instance_uid": str(analysis.source[0].SeriesInstanceUID),
        "instances": len(analysis.source),
    }


def _fhir(resources: Sequence[Any]) -> list[dict[str, str]]:
    return [{"resource_type": one.get_resource_type(), "id": one.id} for one in resources]


def _algorithm(analysis: Analysis) -> dict[str, str]:
    algorithm = analysis.algorithm
    return {
        "name": algorithm.name,
        "version": algorithm.version,
        "manufacturer": algorithm.manufacturer,
        "device_uid": algorithm.device_uid,
    }


def _object(one: "Encoded") -> dict[str, str]:
    return {
        "kind": one.kind,
        "sop_class_uid": str(one.dataset.SOPClassUID),
        "sop_instance_uid": str(one.dataset.SOPInstanceUID),
        "series_instance_uid": str(one.dataset.SeriesInstanceUID),
        "series_description": str(one.dataset.get("SeriesDescription", "")),
    }


def _measurement(result: Result, measurement: Measurement) -> dict[str, object]:
    concept = measurement.concept
    return {
        "site": measurement.site.meaning,
        "concept": concept.meaning,
        "derivation": measurement.derivation.meaning if measurement.derivation else None,
        "value": measurement.rounded,
        "unit": measurement.unit.value,
        "code": {"value": concept.value, "scheme": concept.scheme_designator},
        "tracking_uid": _tracking_uid(result, measurement.label),
    }


def _tracking_uid(result: Result, label: int | None) -> str | None:
    label_map = result.findings.label_map
    if label is None or label_map is None:
        return None
    return result.analysis.tracking_uid(label_map.structures[label - 1])


def _regions(result: Result) -> list[dict[str, object]]:
    return [
        {
            "segment_number": number,
            "name": structure.name,
            "code": {"value": structure.type.value, "scheme": structure.type.scheme_designator},
            "tracking_uid": result.analysis.tracking_uid(structure),
        }
        for number, structure in enumerate(_structures(result.findings), start=1)
    ]


def _structures(findings: Findings) -> tuple[Any, ...]:
    return findings.label_map.structures if findings.label_map else ()

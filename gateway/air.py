"""The AIR result tree of one workitem: the root SR, its primitives, and every carrier (IHE AIR)."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydicom.sr.coding import Code

from gateway.store.tables import WorkitemRow
from standards.analysis import Analysis, Result
from standards.findings import Measurement, Region

if TYPE_CHECKING:  # at run time it would bring highdicom and scipy into every process
    from gateway.outputs import Encoded

DELETED = "its DICOM objects were deleted from the archive"


def tree(
    result: Result,
    objects: Sequence["Encoded"],
    fhir: Sequence[Any],
    decoders: Sequence[Mapping[str, object]] = (),
) -> dict[str, object]:
    """Everything a client needs to walk from the result to its carriers, as plain JSON.

    decoders: who read the compressed instances of each input, as gateway/decoders_used.py tells.
    """
    root = next(o.dataset for o in objects if o.kind == "SR")
    return {
        "root": str(root.SOPInstanceUID),
        "algorithm": _algorithm(result.analysis),
        "source": _source(result.analysis),
        "objects": [_object(one) for one in objects],
        "measurements": [
            _measurement(result, measurement) for measurement in result.findings.measurements
        ],
        "classifications": _classifications(result),
        "regions": [*_structures(result), *_regions(result)],
        "heat_maps": _heat_maps(result, objects),
        "warnings": [one.text for one in result.findings.caveats],
        "decoders": list(decoders),
        "fhir": _fhir(fhir),
    }


def refusal_tree(
    analysis: Analysis, reason: str, objects: Sequence["Encoded"], fhir: Sequence[Any]
) -> dict[str, object]:
    """The tree of work without a result: whose it was, why, and where FHIR says so.

    objects: the SR that says so too, where the route asks for one; it is the root then.
    """
    return {
        "root": next((str(one.dataset.SOPInstanceUID) for one in objects), None),
        "reason": reason,
        "algorithm": _algorithm(analysis),
        "source": _source(analysis),
        "objects": [_object(one) for one in objects],
        "measurements": [],
        "classifications": [],
        "regions": [],
        "heat_maps": [],
        "warnings": [],
        "fhir": _fhir(fhir),
    }


def object_uids(row: WorkitemRow) -> set[str]:
    """SOP Instance UIDs of the objects that the tree of a workitem names."""
    found = json.loads(row.results) if row.results else {}
    return {one["sop_instance_uid"] for one in found.get("objects", ())}


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
        "instances": len({str(header.SOPInstanceUID) for header in analysis.source}),
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
        "code": _code(concept),
        "tracking_uid": _tracking_uid(result, measurement.label),
    }


def _tracking_uid(result: Result, label: int | None) -> str | None:
    label_map = result.findings.label_map
    if label is None or label_map is None:
        return None
    return result.analysis.tracking_uid(label_map.structures[label - 1])


def _classifications(result: Result) -> list[dict[str, object]]:
    return [
        {
            "concept": one.concept.meaning,
            "value": one.value.meaning,
            "probability": one.probability,
            "calibration": one.calibration,
            "site": one.site.meaning if one.site else None,
            "laterality": one.laterality.meaning if one.laterality else None,
            "code": _code(one.concept),
            "value_code": _code(one.value),
            "tracking_uid": result.analysis.classification_uid(number),
        }
        for number, one in enumerate(result.findings.classifications, start=1)
    ]


def _structures(result: Result) -> list[dict[str, object]]:
    labels = result.findings.label_map
    return [
        {
            "segment_number": number,
            "name": structure.name,
            "code": _code(structure.type),
            "tracking_uid": result.analysis.tracking_uid(structure),
        }
        for number, structure in enumerate(labels.structures if labels else (), start=1)
    ]


def _regions(result: Result) -> list[dict[str, object]]:
    return [
        _region(result.analysis, number, one)
        for number, one in enumerate(result.findings.regions, start=1)
    ]


def _region(analysis: Analysis, number: int, region: Region) -> dict[str, object]:
    sop_instance_uid, frame = analysis.place_of(region)
    return {
        "shape": str(region.shape),
        "points": [list(point) for point in region.points],
        "sop_instance_uid": sop_instance_uid,
        "frame": frame,
        "depth_mm": region.depth_mm,
        "name": region.name,
        "probability": region.probability,
        "site": region.site.meaning if region.site else None,
        "code": _code(region.finding),
        "tracking_uid": analysis.region_uid(number),
    }


def _heat_maps(result: Result, objects: Sequence["Encoded"]) -> list[dict[str, object]]:
    maps = [one.dataset for one in objects if one.kind == "PM"]
    return [
        {
            "name": one.name,
            "quantity": one.quantity.meaning,
            "unit": one.unit.value,
            "range": list(one.value_range),
            "code": _code(one.quantity),
            "sop_instance_uid": str(dataset.SOPInstanceUID),
        }
        for one, dataset in zip(result.findings.heat_maps, maps, strict=True)
    ]


def _code(code: Code) -> dict[str, str]:
    return {"value": code.value, "scheme": code.scheme_designator}

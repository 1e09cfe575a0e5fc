"""ImagingStudy: the series a result was made from and the series it was written to.

Several results of one study share its ImagingStudy. Each is built from what one analysis knows;
`merged` joins them by UID, so the order of their arrival leaves no mark. The study's own counts
are left out, since a study may hold series that no model looked at.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from fhir.resources.R4B.endpoint import Endpoint
from fhir.resources.R4B.imagingstudy import ImagingStudy
from pydicom import Dataset
from pydicom.uid import UID

from standards.analysis import Analysis
from standards.fhir import references as refer
from standards.fhir.concepts import (
    ACCESSION_NUMBER,
    RFC_3986,
    Element,
    coding,
    system_of,
    uid_identifier,
)
from standards.fhir.references import References, ResultInstance
from standards.fhir.times import datetime_of


def imaging_study(analysis: Analysis, references: References) -> ImagingStudy:
    """The study of an analysis, with its source series and the series of its result."""
    header = analysis.source[0]
    identifiers = [uid_identifier(analysis.study_instance_uid)]
    if number := refer.accession_number(analysis, references):
        identifiers.append({"type": ACCESSION_NUMBER, "value": number})
    series = sorted(
        [_source_series(analysis.source), *_result_series(analysis, references)], key=_order
    )
    return ImagingStudy.model_validate(
        {
            "id": analysis.study_instance_uid,
            "identifier": identifiers,
            "status": "available",
            "modality": modalities(series),
            "subject": refer.subject(analysis),
            "started": datetime_of(header, "StudyDate", "StudyTime"),
            "basedOn": refer.orders(analysis, references) or None,
            "endpoint": [{"reference": f"Endpoint/{refer.endpoint_id(references.wado_rs_root)}"}],
            "description": _text(header, "StudyDescription"),
            "series": series,
        }
    )


def endpoint(references: References) -> Endpoint:
    """Where the study can be retrieved: the root of WADO-RS (PS3.18 10.4)."""
    return Endpoint.model_validate(
        {
            "id": refer.endpoint_id(references.wado_rs_root),
            "status": "active",
            "connectionType": coding(
                "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
                "dicom-wado-rs",
                "DICOM WADO-RS",
            ),
            "name": "DICOMweb of the gateway",
            "payloadType": [{"text": "DICOM"}],
            "payloadMimeType": ["application/dicom"],
            "address": references.wado_rs_root,
        }
    )


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Two accounts of one ImagingStudy as one: series and instances joined by UID.

    old, new: JSON of the resource. What both say, the new one says better.
    """
    series = _joined([*old.get("series", ()), *new.get("series", ())], _merged_series)
    return new | {"series": series, "modality": modalities(series)}


def _merged_series(old: Element, new: Element) -> Element:
    instances = _joined([*old.get("instance", ()), *new.get("instance", ())], lambda _, last: last)
    return new | {"instance": instances, "numberOfInstances": len(instances)}


def _joined(items: Iterable[Element], join: Any) -> list[Element]:
    by_uid: dict[str, Element] = {}
    for item in items:
        uid = item["uid"]
        by_uid[uid] = join(by_uid[uid], item) if uid in by_uid else item
    return sorted(by_uid.values(), key=_order)


def _order(item: Element) -> tuple[int, str]:
    return item.get("number") or 0, item["uid"]


def modalities(series: Iterable[Element]) -> list[Element]:
    """The distinct modalities of the series, in the order of their codes."""
    codes = {item["modality"]["code"]: item["modality"] for item in series}
    return [codes[code] for code in sorted(codes)]


def _source_series(source: tuple[Dataset, ...]) -> Element:
    header = source[0]
    by_uid = {str(one.SOPInstanceUID): one for one in source}  # several slices may be one instance
    instances = [_instance(str(i.SOPClassUID), uid, _number(i)) for uid, i in by_uid.items()]
    return _series(
        str(header.SeriesInstanceUID),
        _number(header, "SeriesNumber"),
        _text(header, "Modality") or "OT",
        _text(header, "SeriesDescription"),
        sorted(instances, key=_order),
    ) | _present(started=datetime_of(header, "SeriesDate", "SeriesTime"))


def _result_series(analysis: Analysis, references: References) -> list[Element]:
    made_by = {
        "started": analysis.started.isoformat(timespec="seconds"),
        "performer": [{"actor": refer.device(analysis)}],
    }
    ordered = sorted(references.instances, key=lambda i: (i.series_number, i.series_instance_uid))
    return [
        _one_result_series(list(group)) | made_by
        for _, group in groupby(ordered, key=lambda i: i.series_instance_uid)
    ]


def _one_result_series(results: list[ResultInstance]) -> Element:
    first = results[0]
    instances = [
        _instance(result.sop_class_uid, result.sop_instance_uid, number)
        for number, result in enumerate(results, start=1)
    ]
    return _series(
        first.series_instance_uid, first.series_number, first.modality, first.description, instances
    )


def _series(
    uid: str, number: int | None, modality: str, description: str | None, instances: list[Element]
) -> Element:
    series: Element = {"uid": uid, "modality": coding(system_of("DCM"), modality)}
    return series | _present(
        number=number,
        description=description,
        numberOfInstances=len(instances),
        instance=instances,
    )


def _instance(sop_class_uid: str, sop_instance_uid: str, number: int | None) -> Element:
    name = UID(sop_class_uid).name
    display = "" if name == sop_class_uid else name
    sop_class = coding(RFC_3986, f"urn:oid:{sop_class_uid}", display)
    return {"uid": sop_instance_uid, "sopClass": sop_class} | _present(number=number)


def _number(header: Dataset, keyword: str = "InstanceNumber") -> int | None:
    """A whole number that FHIR's unsignedInt can hold, or None."""
    value = header.get(keyword)
    return int(value) if value not in (None, "") and 0 <= int(value) < 2**31 else None


def _text(header: Dataset, keyword: str) -> str | None:
    return str(header.get(keyword) or "").strip() or None


def _present(**elements: Any) -> Element:
    return {name: value for name, value in elements.items() if value is not None and value != ""}

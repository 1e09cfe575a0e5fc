"""What is left after a storm: each acknowledged study with one set of results, or not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.orthanc import OrthancArchive
from adapters.orthanc_process import child_url
from tests.quick_model import OBJECTS, TinyStudy
from tests.serving import Gateway

OF_RESULTS = {"1.2.840.10008.5.1.4.1.1.66.4": "SEG", "1.2.840.10008.5.1.4.1.1.88.34": "SR"}


@dataclass
class Report:
    """lost, doubled, failed: Study Instance UIDs, with what was found instead."""

    studies: int
    killed: Counter[str]
    seconds: float
    attempts: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    doubled: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.failed)

    def __str__(self) -> str:
        kills = ", ".join(f"{count} x {name}" for name, count in sorted(self.killed.items()))
        lines = [
            f"{self.studies} studies acknowledged, {sum(self.killed.values())} kills ({kills}), "
            f"{self.attempts} attempts, {self.seconds:.0f} s: "
            f"{len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.failed)} failed"
        ]
        for word, found in (
            ("lost", self.lost),
            ("doubled", self.doubled),
            ("failed", self.failed),
        ):
            lines += [f"  {word}: {uid}: {why}" for uid, why in found.items()]
        return "\n".join(lines)


def examine(
    gateway: Gateway, studies: Sequence[TinyStudy], killed: Counter[str], seconds: float
) -> Report:
    """Look at worklist, result tree, index, FHIR and archive of every study."""
    report = Report(len(studies), killed, seconds)
    archive = OrthancArchive(child_url(gateway.data))
    for study in studies:
        _examine(gateway, archive, study, report)
    total = gateway.client.json("/fhir/r4/DiagnosticReport?_count=1")["total"]
    if total != len(studies):
        wrong = report.lost if total < len(studies) else report.doubled
        wrong["all"] = f"FHIR has {total} reports of {len(studies)} studies"
    return report


def _examine(gateway: Gateway, archive: OrthancArchive, study: TinyStudy, report: Report) -> None:
    workitems = gateway.trace(study.uid)["workitems"]
    report.attempts += sum(one["attempts"] for one in workitems)
    if len(workitems) != 1:
        found = f"{len(workitems)} workitems"
        (report.doubled if workitems else report.lost)[study.uid] = found
        return
    (workitem,) = workitems
    if workitem["outcome"] != "DONE":
        state, outcome = workitem["procedure_step_state"], workitem["outcome"]
        found = f"{state} {outcome} {workitem['reason']}"
        (report.failed if outcome else report.lost)[study.uid] = found
        return
    (result,) = gateway.results(study.uid)
    told = Counter(one["kind"] for one in result["objects"])
    instances = gateway.client.json(f"/dicom-web/studies/{study.uid}/instances")
    indexed = Counter(one["00080018"]["Value"][0] for one in instances)
    classes = Counter(OF_RESULTS.get(one["00080016"]["Value"][0], "image") for one in instances)
    objects = Counter[str](OBJECTS)
    images = Counter({"image": len(study.contents)})
    _compare(report, study, "result tree", told, objects)
    _compare(report, study, "index", classes, objects + images)
    _compare(report, study, "archive", _archived(archive, study), indexed)


def _compare(
    report: Report, study: TinyStudy, where: str, found: Counter[str], expected: Counter[str]
) -> None:
    if lacking := expected - found:
        report.lost[study.uid] = f"{where} lacks {dict(lacking)}"
    if too_many := found - expected:
        report.doubled[study.uid] = f"{where} has too many: {dict(too_many)}"


def _archived(archive: OrthancArchive, study: TinyStudy) -> Counter[str]:
    """SOP Instance UIDs of the study in Orthanc."""
    query = {"StudyInstanceUID": study.uid}
    found = archive.ask("/tools/find", {"Level": "Instance", "Query": query, "Expand": True})
    return Counter(one["MainDicomTags"]["SOPInstanceUID"] for one in found)

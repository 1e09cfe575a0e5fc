"""What a model claimed on the sample: how much, and whether others can read it."""

from collections.abc import Iterator

import numpy as np
from pydantic import ValidationError
from pydicom.sr.coding import Code

from ai_models.card.codes import Concept, is_listed
from gateway.model_check.report import Report, counted
from gateway.validation import one_line
from standards.findings import Findings


def check_findings(findings: Findings, report: Report) -> None:
    told = ", ".join(_counted(findings))
    if findings.is_empty:
        report.warn(
            "findings",
            told or "none",
            "a report will say that there is no finding; try images with one: --sample PATHS",
        )
    else:
        report.ok("findings", told)
    if unmarked := _unmarked(findings):
        report.warn(
            "labels",
            f"no voxel is marked as {', '.join(unmarked)}",
            "fine if the sample has none; else compare the order of labels with the network's",
        )
    _check_codes(findings, report)


def _counted(findings: Findings) -> Iterator[str]:
    if findings.label_map is not None:
        yield f"label map of {counted(len(findings.label_map.structures), 'structure')}"
    for name, found in (
        ("measurement", findings.measurements),
        ("classification", findings.classifications),
        ("region", findings.regions),
        ("heat map", findings.heat_maps),
        ("warning", findings.caveats),
    ):
        if found:
            yield counted(len(found), name)


def _unmarked(findings: Findings) -> list[str]:
    if findings.label_map is None:
        return []
    present = set(np.unique(findings.label_map.voxels).tolist())
    structures = enumerate(findings.label_map.structures, start=1)
    return [one.name for number, one in structures if number not in present]


def _check_codes(findings: Findings, report: Report) -> None:
    """A code may be none that DICOM lists, but not mean something else."""
    before = len(report.lines)
    for code in dict.fromkeys(_codes(findings)):
        try:
            Concept(scheme=code.scheme_designator, value=code.value, meaning=code.meaning)
        except ValidationError as error:
            told = one_line(error).removeprefix(": Value error, ")
            if is_listed(code):
                report.fail("codes", told, "use the code that means what is found")
            else:
                report.warn("codes", told, "look it up, or use a scheme of your own, 99...")
    if len(report.lines) == before:
        report.ok("codes", "all are in the context groups of DICOM, or private")


def _codes(findings: Findings) -> Iterator[Code]:
    for structure in findings.label_map.structures if findings.label_map else ():
        yield from (structure.category, structure.type)
    for one in findings.measurements:
        yield from (one.concept, one.unit, one.site)
    for one in findings.classifications:
        yield from (one.concept, one.value)
        yield from [one.site] if one.site else []
    for one in findings.regions:
        yield from (one.finding, one.category)
        yield from [one.site] if one.site else []
    for one in findings.heat_maps:
        yield from (one.quantity, one.unit)

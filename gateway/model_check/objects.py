"""The objects and resources that findings become, written and read again as others would."""

import tempfile
from pathlib import Path

import highdicom as hd
from pydicom import dcmread

from gateway.analysis import objects_of
from gateway.local_run import fhir_resources
from gateway.model_check.judge import dciodvfy, errors_of
from gateway.model_check.report import Report, counted
from gateway.source import SourceSeries
from standards.analysis import Result

_NAME = "objects"
_READERS = {"SEG": hd.seg.segread, "SR": hd.sr.srread}
_UNFIT = (ValueError, TypeError, AttributeError, LookupError)  # as highdicom refuses claims


def check_objects(result: Result, source: SourceSeries, sample: Path, report: Report) -> None:
    """sample: a file of the series that the result is drawn on."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            paths = _written(result, source, Path(folder), report)
        except _UNFIT as error:
            report.fail(_NAME, str(error), "mend the finding that is named, then check again")
            return
        _judge(paths, sample, report)


def _written(result: Result, source: SourceSeries, folder: Path, report: Report) -> list[Path]:
    objects = list(objects_of(result, source))
    paths = []
    for n, one in enumerate(objects):
        path = folder / f"{n}.dcm"
        path.write_bytes(one.part10())
        _READERS.get(one.kind, dcmread)(path)
        paths.append(path)
    resources = fhir_resources(result, objects)
    kinds = ", ".join(one.kind for one in objects)
    report.ok(_NAME, f"{kinds} and {len(resources)} FHIR resources are written and read again")
    return paths


def _judge(paths: list[Path], sample: Path, report: Report) -> None:
    program = dciodvfy()
    if program is None:
        return
    inherited = errors_of(program, sample)
    found = sorted({line for path in paths for line in errors_of(program, path) - inherited})
    if found:
        report.fail(
            "dciodvfy",
            f"{counted(len(found), 'error')}, the first: {found[0]}",
            "this is not the model's fault: report it as an issue",
        )
    else:
        report.ok("dciodvfy", f"no errors in {counted(len(paths), 'object')}")

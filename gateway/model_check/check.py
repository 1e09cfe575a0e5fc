"""All checks of one model folder, in the order in which a model comes to life."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ai_models.bundled import digest_of
from ai_models.card import OUTSIDE, ModelCard
from gateway.client import files_of
from gateway.local_run import LocalSeries, files_of_inputs, selected, series_in
from gateway.model_check.card import checked_card
from gateway.model_check.findings import check_findings
from gateway.model_check.objects import check_objects
from gateway.model_check.report import Report
from gateway.model_check.sample import CT_CHEST, MADE, write_sample
from gateway.model_check.trial import tried
from gateway.registry import RegisteredModel


def check(folder: Path, samples: Sequence[Path] = ()) -> Report:
    """samples: files or folders; where none are given, a sample is found or made."""
    report = Report(str(folder))
    card = checked_card(folder, report)
    if card is None:
        return report
    report.model = f"{card.name} {card.version}"
    if card.queue == OUTSIDE:
        report.ok("runtime", "performed outside, so that nothing is run here: see docs/worklist.md")
        return report
    with tempfile.TemporaryDirectory() as made:
        files = _sample(card, samples, Path(made), report)
        if files:
            _run(RegisteredModel(card, digest_of(folder)), folder, files, report)
    return report


def _run(
    model: RegisteredModel, folder: Path, files: Mapping[str, Sequence[Path]], report: Report
) -> None:
    answer = tried(model, folder, files, report)
    if answer is not None:
        result, source = answer
        check_findings(result.findings, report)
        check_objects(result, source, next(iter(files.values()))[0], report)


def _sample(
    card: ModelCard, samples: Sequence[Path], made: Path, report: Report
) -> dict[str, list[Path]]:
    """The files of each input; empty, and why is in the report, where nothing fits the card."""
    if samples:
        report.sample = " ".join(map(str, samples))
        return _fitting(card, _series(samples), report)
    if CT_CHEST.is_dir():
        found = _series([CT_CHEST])
        if files := files_of_inputs(selected(card, found), found):
            report.sample = "samples/ct_chest"
            return files
    write_sample(card, made)
    report.sample = MADE
    return _fitting(card, _series([made]), report)


def _series(paths: Sequence[Path]) -> LocalSeries:
    return series_in(files_of(paths), lambda _: None)


def _fitting(card: ModelCard, found: LocalSeries, report: Report) -> dict[str, list[Path]]:
    selections = selected(card, found)
    files = files_of_inputs(selections, found)
    if not files:
        reasons = "; ".join(dict.fromkeys(selections.passed_over.values()))
        told = f"no series fits input {', '.join(selections.missing)}: {reasons or 'none there'}"
        report.fail("sample", told, "give DICOM files that do with --sample, or mend [[inputs]]")
    return files

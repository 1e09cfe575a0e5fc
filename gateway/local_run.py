"""One model on DICOM files of this machine: the series that its inputs take, and the result."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from fhir.resources.R4B.resource import Resource
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from adapters.runtimes.environments import Environments
from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import ModelProcess
from ai_models.card import ModelCard
from gateway.analysis import Stopwatch, analyse
from gateway.outputs import Encoded
from gateway.pipeline import result_instance
from gateway.registry import RegisteredModel
from gateway.routing.priors import newest_and_earlier
from gateway.routing.selector import Selections, select_all
from gateway.settings import Settings
from gateway.source import SourceSeries
from standards import fhir
from standards.analysis import Result
from standards.study import Series

LocalSeries = Mapping[str, Sequence[tuple[Path, Dataset]]]  # by Series Instance UID


def series_in(files: Sequence[Path], pass_over: Callable[[Path], None]) -> LocalSeries:
    """pass_over: is told of each file that is no DICOM image."""
    series: dict[str, list[tuple[Path, Dataset]]] = {}
    for path in files:
        try:
            header = dcmread(path, stop_before_pixels=True)
            series.setdefault(str(header.SeriesInstanceUID), []).append((path, header))
        except (InvalidDicomError, AttributeError):
            pass_over(path)
    return series


def selected(card: ModelCard, found: LocalSeries) -> Selections:
    """A model that reads priors gets the newest study, and those before it as its priors."""
    series = [
        Series(uid, [header.to_json_dict(suppress_invalid_tags=True) for _, header in members])
        for uid, members in found.items()
    ]
    if not series or not any(one.prior for one in card.series):
        return select_all(card.series, series)
    study, earlier = newest_and_earlier(series)
    date = str(study.series[0].value("StudyDate", ""))
    return select_all(card.series, study.series, date, lambda: earlier)


def files_of_inputs(selections: Selections, found: LocalSeries) -> dict[str, list[Path]]:
    """Of each input that found a series; empty where one that must be there found none."""
    return {
        name: [path for path, _ in found[one.chosen.series_instance_uid]]
        for name, one in selections.chosen.items()
        if one.chosen is not None
    }


def in_environment(model: Loadable) -> Loadable:
    """Its environment is made in the data folder, if it needs one. Raises EnvironmentNotMade.

    Pickled code is allowed as in a gateway with these settings.
    """
    settings = Settings()
    python = Environments(settings.data / "environments").python(model.card, model.folder)
    return replace(model, python=python, pickles=settings.allow_pickles)


def analyse_files(
    process: ModelProcess,
    model: RegisteredModel,
    loadable: Loadable,
    chosen: Mapping[str, Sequence[Path]],
    watch: Stopwatch,
) -> tuple[Result, SourceSeries]:
    """The result on the files of each input, and the series that it is drawn on.

    Raises what `analyse` raises.
    """
    sources = {
        name: SourceSeries([path.read_bytes for path in files], model.card.input(name).kind)
        for name, files in chosen.items()
    }
    name, source = next(iter(sources.items()))
    predict = partial(
        process.predict,
        loadable,
        timeout_seconds=model.card.resources.timeout_seconds,
        name=name,
        others={n: other.contents() for n, other in sources.items() if n != name}
        | {one.name: () for one in model.card.stands_on},  # of other models, nothing is known
    )
    return analyse(predict, model, source, datetime.now(UTC), watch), source


def fhir_resources(result: Result, objects: Sequence[Encoded]) -> list[Resource]:
    """The FHIR resources of a result whose objects lie in no archive yet."""
    references = fhir.References(
        wado_rs_root="http://localhost/dicom-web",
        instances=tuple(result_instance(one) for one in objects),
    )
    return fhir.resources(result, references)

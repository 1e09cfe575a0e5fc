"""From the files of one series to result objects: the same steps for a server and a laptop."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from adapters.runtimes.python import Prediction
from ai_models.contract import NoResult
from gateway.equipment import EQUIPMENT
from gateway.outputs import Encoded, encode
from gateway.registry import RegisteredModel
from gateway.source import SourceSeries
from standards.analysis import Analysis, Result
from standards.errors import UnfitSeries


@dataclass
class Stopwatch:
    """Seconds spent in each named step, in the order in which they ended, and when they did."""

    seconds: dict[str, float] = field(default_factory=dict)
    ended_at: dict[str, float] = field(default_factory=dict)  # seconds since the epoch

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.ended(name, time.perf_counter() - started)

    def ended(self, name: str, seconds: float, *, ago: float = 0.0) -> None:
        """A step of so many seconds has ended, just now or a while ago."""
        self.seconds[name] = seconds
        self.ended_at[name] = time.time() - ago


@dataclass(frozen=True)
class Answer:
    """What a model claims about a series, and the objects that carry it."""

    result: Result
    objects: list[Encoded]


class Refused(NoResult):
    """The refusal with what is known of the analysis, so that it can be told in FHIR too."""

    def __init__(self, refusal: NoResult | UnfitSeries, analysis: Analysis) -> None:
        super().__init__(refusal.check, refusal.found, refusal.expected)
        self.analysis = analysis


def analyse(
    predict: Callable[[Path], Prediction],
    model: RegisteredModel,
    paths: Sequence[Path],
    started: datetime,
    watch: Stopwatch,
) -> Answer:
    """Run the model on the files (all in one folder) and encode its findings.

    predict: runs the model on that folder.

    Raises Refused when the model or the check of the series refuses, ModelError when it fails.
    """
    with ThreadPoolExecutor(1) as threads:  # the headers are read while the model computes
        reading = threads.submit(SourceSeries, paths)
        try:
            prediction = predict(paths[0].parent)
            source = reading.result()
            ordered = source.in_order()
        except (NoResult, UnfitSeries) as refusal:
            unordered = reading.result().headers
            raise Refused(refusal, _analysis(model, unordered, started)) from refusal
    watch.ended("load pixels", prediction.load_seconds, ago=prediction.predict_seconds)
    watch.ended("model", prediction.predict_seconds)
    with watch.step("encode"):
        result = Result(_analysis(model, ordered, started), prediction.findings)
        objects = encode(result, lambda index: source.modality_values(ordered[index]))
    return Answer(result, objects)


def _analysis(model: RegisteredModel, headers: tuple, started: datetime) -> Analysis:
    return Analysis(model.algorithm, EQUIPMENT, headers, started)

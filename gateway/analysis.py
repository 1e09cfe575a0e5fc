"""From one series to result objects: the same steps for a server and a laptop."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from adapters.runtimes.model_process import Prediction
from ai_models.contract import NoResult
from gateway.equipment import EQUIPMENT
from gateway.outcomes import Outcome
from gateway.outputs import Encoded, encode
from gateway.registry import RegisteredModel
from gateway.source import SourceSeries
from standards.analysis import Analysis, Result, Superseded
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


class Refused(NoResult):
    """The refusal, and whether it was the model's or that of the gateway."""

    def __init__(self, refusal: NoResult | UnfitSeries) -> None:
        super().__init__(refusal.check, refusal.found, refusal.expected)
        by_model = isinstance(refusal, NoResult)
        self.outcome = Outcome.NO_RESULT if by_model else Outcome.REFUSED_INPUT


def analyse(  # noqa: PLR0913 (what a run consists of)
    predict: Callable[[Iterable[bytes]], Prediction],
    model: RegisteredModel,
    source: SourceSeries,
    started: datetime,
    watch: Stopwatch,
    *,
    again: str = "",
    supersedes: Superseded | None = None,
) -> Result:
    """Run the model on a series; what it claims, with who claimed it on which slices.

    predict: runs the model on the files of the series. again, supersedes: as in
    Analysis.
    Raises Refused when the model or the check of the series refuses, ModelError when it fails,
    and whatever reading the series raises.
    """
    about = partial(
        Analysis, model.algorithm, EQUIPMENT, started=started, again=again, supersedes=supersedes
    )
    began = time.perf_counter()
    try:
        prediction = predict(source.contents())
        ordered = source.in_order()
    except (NoResult, UnfitSeries) as refusal:
        raise Refused(refusal) from refusal
    computed = prediction.load_seconds + prediction.predict_seconds
    watch.ended("fetch", time.perf_counter() - began - computed, ago=computed)
    watch.ended("load pixels", prediction.load_seconds, ago=prediction.predict_seconds)
    watch.ended("model", prediction.predict_seconds)
    return Result(about(ordered), prediction.findings)


def objects_of(result: Result, source: SourceSeries) -> Iterator[Encoded]:
    """The objects that carry a result (gateway/outputs.py), each made when it is asked for."""
    ordered = result.analysis.source
    return encode(result, lambda index: source.modality_values(ordered[index]))

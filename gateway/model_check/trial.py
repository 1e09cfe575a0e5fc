"""The model in a process as in the gateway, on one set of inputs, measured."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.process_tree import descendants
from adapters.runtimes.environments import EnvironmentNotMade
from adapters.runtimes.errors import (
    ModelCrashed,
    ModelError,
    ModelFailed,
    ModelForked,
    ModelGarbled,
    ModelOutOfGpuMemory,
    ModelOutOfMemory,
    ModelServerAway,
    ModelTimedOut,
    ModelUnusable,
    NetworkNotWithheld,
)
from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import ModelProcess
from ai_models.card import ModelCard
from gateway.analysis import Refused, Stopwatch
from gateway.local_run import analyse_files, in_environment
from gateway.model_check.printed import caught_output
from gateway.model_check.report import Report, counted
from gateway.registry import RegisteredModel
from gateway.services import surroundings_of
from gateway.settings import Settings
from gateway.source import SourceSeries
from standards.analysis import Result

_LOADING, _PREDICTION = "loading", "prediction"
_NEAR = 0.5  # of the time that the card allows: other machines are slower
_ROUNDED_MB = 256
_REMEDIES: Mapping[type[ModelError], str] = {
    ModelTimedOut: "make it quicker, or raise resources.timeout_seconds in the card",
    ModelCrashed: "look at native code and memory; try a smaller --sample",
    ModelOutOfMemory: "raise resources.memory_mb in the card, or try a smaller --sample",
    ModelOutOfGpuMemory: "raise resources.gpu_memory_mb in the card, or try a smaller --sample",
    ModelForked: "let it start fewer processes",
    ModelGarbled: "return findings, and leave the process's other files alone",
    ModelServerAway: "start the server that runtime.url names",
    NetworkNotWithheld: "check it where user namespaces are allowed",
    ModelFailed: "mend the line or the output that is named, then check again",
}


def tried(
    model: RegisteredModel, folder: Path, files: Mapping[str, Sequence[Path]], report: Report
) -> tuple[Result, SourceSeries] | None:
    """None, and why is in the report, where it gives no findings."""
    process, watch = ModelProcess(surroundings_of(Settings())), Stopwatch()
    result = None
    with caught_output() as printed:
        try:
            loadable = in_environment(Loadable(model.card, folder))
            with watch.step(_LOADING):
                process.warm_up(loadable)
            report.ok(_LOADING, f"{watch.seconds[_LOADING]:.1f} s")
            result = analyse_files(process, model, loadable, files, watch)
        except Refused as refusal:
            report.warn(
                _PREDICTION,
                f"no result: {refusal}",
                "what it finds was not looked at: give images it should answer for, --sample PATHS",
            )
        except ModelUnusable as error:
            report.fail(_LOADING, error.found, _how_to_load(model.card))
        except EnvironmentNotMade as error:
            report.fail(_LOADING, str(error), "mend requirements in [runtime]")
        except ModelError as error:
            report.fail(_PREDICTION, _told(error), _REMEDIES[type(error)])
        peak = _peak_mb(process.pid)
        process.stop()
    report.measured |= {f"{name} seconds": value for name, value in watch.seconds.items()}
    if result is not None:
        _compare_time(watch.seconds["model"], model.card, report)
        _compare_memory(peak, model.card, report)
    if printed:
        report.warn(
            "output",
            f"it printed {counted(len(printed), 'line')}, the first: {printed[0][:60]}",
            "take print() out: in the gateway it fills the log, where no patient may be named",
        )
    return result


def _told(error: ModelError) -> str:
    return f"{error.kind}: {error.message}" if isinstance(error, ModelFailed) else str(error)


def _how_to_load(card: ModelCard) -> str:
    runtime = card.runtime
    if runtime.kind == "python":
        return (
            f"[runtime] entry is {runtime.entry!r}: a .py file of the folder and a class in it; "
            "what it imports must be installed beside Airgate"
        )
    file = getattr(runtime, "file", None)
    return f"write {file} into the folder anew" if file else "see docs/models.md on this kind"


def _compare_time(seconds: float, card: ModelCard, report: Report) -> None:
    allowed = card.resources.timeout_seconds
    told = f"{seconds:.1f} s, of {allowed:g} s that the card allows"
    if seconds > allowed * _NEAR:
        report.warn(_PREDICTION, told, "raise resources.timeout_seconds: other series are larger")
    else:
        report.ok(_PREDICTION, told)


def _compare_memory(peak: float | None, card: ModelCard, report: Report) -> None:
    if peak is None:
        return
    report.measured["memory MB"] = peak
    told = f"{peak:.0f} MB at most, of {card.resources.memory_mb} MB in the card"
    if peak > card.resources.memory_mb:
        enough = math.ceil(peak * 1.25 / _ROUNDED_MB) * _ROUNDED_MB
        report.fail("memory", told, f"set memory_mb = {enough} in [resources]")
    else:
        report.ok("memory", told)


def _peak_mb(pid: int | None) -> float | None:
    """VmHWM of a process and of all below it together (proc(5)); None where it is not told."""
    if pid is None or not Path(f"/proc/{pid}/status").exists():
        return None
    return sum(_own_peak_mb(one) for one in (pid, *descendants(pid)))


def _own_peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)

"""The inside of a model's process: load the model once, then answer until the pipe closes."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from adapters.garbage import calm_collector
from adapters.runtimes import gpu_memory, usage
from adapters.runtimes.answers import written
from adapters.runtimes.errors import ModelFailed, ModelServerAway
from adapters.runtimes.fault_place import fault_place
from adapters.runtimes.incoming import Incoming, drawn_on, incoming, inputs_of, warned_before
from adapters.runtimes.loading import Loadable, load
from adapters.runtimes.source_files import SourceFiles, source_files
from ai_models.card import ModelCard
from ai_models.card.runtime import Container
from ai_models.contract import Inputs, Model, NoResult
from ai_models.gate import examine, examine_images
from standards.errors import SourceMismatch, UnfitSeries
from standards.findings import Caveat, Findings
from standards.region import check_places
from standards.volume import Volume

# Follows the last instance of a series, and the last series; no DICOM file and no name is empty.
END = b""
# In the place of a file: the inputs that have come so far are to be forgotten, unanswered.
ABANDONED = b"\0"

_LONGEST = 1000  # characters of what a model says of its error


def serve(connection: Connection) -> None:
    """Answer each set of inputs with findings or why there are none.

    Messages in: the Loadable; then for each input its name, its files one by one, END; then END.
    ABANDONED as a file begins anew.

    Messages out: see adapters/runtimes/answers.py; "ready", "unusable", "no_gpu_memory" or "away"
    first, and any number of "progress" before each of the others.
    """
    loadable: Loadable = connection.recv()
    try:
        gpu_memory.hold_to(loadable.card.resources)
        model = load(loadable)
    except ModelServerAway as away:
        connection.send_bytes(written(("away", away.address, away.told)))
        return
    except Exception as error:  # whatever a foreign artefact raises
        connection.send_bytes(written(_unusable(error, loadable)))
        return
    calm_collector()
    connection.send_bytes(written(("ready",)))
    while True:
        with source_files(loadable.card) as files:
            try:
                series = receive(connection, loadable.card, files)
            except EOFError:
                return
            told = answer(model, loadable, series, partial(_tell, connection), files)
        connection.send_bytes(_written_answer(told))


def _unusable(error: Exception, loadable: Loadable) -> tuple[Any, ...]:
    if gpu_memory.was_too_little(error):
        return ("no_gpu_memory",)
    kind, message = _told(error)
    return ("unusable", f"{kind}: {message}{fault_place(error, loadable.folder)}")


def receive(
    connection: Connection, card: ModelCard, files: SourceFiles | None = None
) -> dict[str, Incoming]:
    """All inputs by name, the series that results are drawn on first.

    files: get the files too.
    Raises EOFError when the worker has closed the pipe.
    """
    received: dict[str, Incoming] = {}
    while (told := connection.recv_bytes()) != END:
        name = told.decode()
        series = received[name] = incoming(card, name)
        while (content := connection.recv_bytes()) != END:
            if content == ABANDONED:
                received = {}
                if files:
                    files.clear()
                break
            series.add(content)
            if files:
                files.add(name, content)
    return received


def _tell(connection: Connection, percent: float) -> None:
    connection.send_bytes(written(("progress", max(0, min(int(percent), 99)))))


def _written_answer(message: tuple[Any, ...]) -> bytes:
    try:
        return written(message)
    except Exception as error:  # findings of a foreign kind can hold anything
        return written(("failed", *_told(error)))


def _told(error: BaseException) -> tuple[str, str]:
    """Kind and message of an error, which may be foreign code as well."""
    try:
        message = str(error)
    except Exception:  # even what says what was wrong can be wrong
        message = "its message cannot be told"
    return type(error).__name__[:_LONGEST], message[:_LONGEST]


def passed(inputs: Inputs, card: ModelCard) -> list[Caveat]:
    """What the gate tells of inputs that the model may see. Raises UnfitSeries for others."""
    caveats = []
    for name, volume in inputs.volumes.items():
        caveats += examine(volume, card.input(name), card.gate)
    for name, images in inputs.image_series.items():
        caveats += examine_images(images, card.input(name), card.gate)
    return caveats


def _check_grid(findings: Findings, volume: Volume | None) -> None:
    """Raises SourceMismatch for voxels on another grid than that of the series they belong to."""
    for one in (findings.label_map, *findings.heat_maps):
        if one and volume and one.voxels.shape != volume.voxels.shape:
            raise SourceMismatch(one.voxels.shape, volume.voxels.shape)


def _elsewhere(card: ModelCard) -> int:
    """Bytes of memory that a run may take beside this process: those of a container."""
    return card.resources.memory_mb << 20 if isinstance(card.runtime, Container) else 0


def answer(
    model: Model,
    loadable: Loadable,
    series: dict[str, Incoming],
    progress: Callable[[float], None],
    files: SourceFiles | None = None,
) -> tuple[Any, ...]:
    """What `serve` says of one set of inputs. The model sees none that the gate refuses."""
    usage.begin()
    started = time.perf_counter()
    try:
        inputs = inputs_of(series, progress)
        caveats = dict.fromkeys([*passed(inputs, loadable.card), *warned_before(series)])
        if files:
            inputs = replace(inputs, folder=files.folder())
        loaded = time.perf_counter()
        findings = Findings.of([*caveats, *model.predict(inputs)])
        check_places(findings.regions, drawn_on(inputs, next(iter(series))))
        _check_grid(findings, inputs.volumes.get(next(iter(series))))
        decoding = sum(one.seconds for one in series.values())
        predicted, memory = time.perf_counter(), usage.measured(_elsewhere(loadable.card))
        seconds = (decoding + loaded - started, predicted - loaded)
        return ("findings", findings, *seconds, memory.peak, memory.at_rest, memory.gpu)
    except NoResult as refusal:
        return ("no_result", refusal.check, refusal.found, refusal.expected)
    except UnfitSeries as unfit:
        return ("refused", unfit.check, unfit.found, unfit.expected)
    except ModelServerAway as away:
        return ("away", away.address, away.told)
    except Exception as error:  # of foreign code, or a claim that no carrier could write
        return _failure(error, loadable)


def _failure(error: Exception, loadable: Loadable) -> tuple[Any, ...]:
    if gpu_memory.was_too_little(error):
        return ("no_gpu_memory",)
    if isinstance(error, ModelFailed):  # in an environment of its own
        return ("failed", error.kind, error.message)
    kind, message = _told(error)
    return ("failed", kind, message + fault_place(error, loadable.folder))

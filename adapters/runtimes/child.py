"""The inside of a model's process: load the model once, then answer until the pipe closes."""

import importlib
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pydicom import dcmread

from adapters.child_process import end_with_parent
from ai_models.contract import Inputs, Model, NoResult
from standards.errors import StandardsError, UnfitSeries
from standards.findings import Findings
from standards.volume import Volume, volume_of


def serve(connection: Connection, entry: str, folder: str) -> None:
    """Answer each folder of DICOM files with findings, a refusal or a failure.

    Messages out: ("ready",), ("unusable", why), ("findings", findings, load s, predict s),
    ("no_result", check, found, expected), ("failed", kind, message).
    """
    end_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's to handle
    try:
        model = load(entry, folder)
    except Exception as error:  # whatever a foreign module raises on import
        connection.send(("unusable", f"{type(error).__name__}: {error}"))
        return
    connection.send(("ready",))
    while True:
        try:
            question = connection.recv()
        except EOFError:
            return
        connection.send(answer(model, Path(question)))


def load(entry: str, folder: str) -> Model:
    """Import module:Class and make the model. Raises TypeError when it is none."""
    if folder:
        sys.path.insert(0, folder)
    module, _, name = entry.partition(":")
    model = getattr(importlib.import_module(module), name)()
    if not callable(getattr(model, "predict", None)):
        raise TypeError(f"{name} has no method predict")
    return model


def answer(model: Model, folder: Path) -> tuple[Any, ...]:
    started = time.perf_counter()
    try:
        volume = read_volume(sorted(folder.iterdir()))
        loaded = time.perf_counter()
        findings = Findings.of(model.predict(Inputs({"image": volume})))
        return ("findings", findings, loaded - started, time.perf_counter() - loaded)
    except (NoResult, UnfitSeries) as refusal:
        return ("no_result", refusal.check, refusal.found, refusal.expected)
    except StandardsError as error:  # a claim that no carrier could write
        return ("failed", type(error).__name__, str(error))
    except Exception as error:  # the model is foreign code: its failure is an answer too
        return ("failed", type(error).__name__, str(error))


def read_volume(paths: list[Path]) -> Volume:
    return volume_of([dcmread(path) for path in paths])

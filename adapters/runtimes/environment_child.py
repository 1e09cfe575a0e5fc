"""The inside of a model's own environment: no more is imported than the contract needs, as what
this program stands on lies behind other versions of the same.
"""

import signal
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from adapters.child_process import end_with_parent
from adapters.runtimes.entry import model_at
from ai_models.contract import Inputs, Model, NoResult
from standards.findings import Finding
from standards.images import Image
from standards.volume import Volume


def serve(descriptor: int, entry: str, folder: str) -> None:
    """Answer inputs (volumes, image series, findings) until the pipe closes.

    Messages out: ("ready",), ("progress", percent), ("findings", findings), ("no_result", check,
    found, expected), ("failed", kind, message).
    """
    end_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's to handle
    connection = Connection(descriptor)
    try:
        model = model_at(entry, Path(folder) if folder else None)
    except Exception as error:  # whatever foreign code raises
        connection.send(("failed", type(error).__name__, str(error)))
        return
    connection.send(("ready",))
    while True:
        try:
            inputs = connection.recv()
        except EOFError:
            return
        connection.send(_answer(connection, model, *inputs))


def _answer(
    connection: Connection,
    model: Model,
    volumes: Mapping[str, Volume],
    image_series: Mapping[str, Sequence[Image]],
    findings: Mapping[str, Sequence[Finding]],
) -> tuple[Any, ...]:
    def progress(percent: float) -> None:
        connection.send(("progress", percent))

    try:
        inputs = Inputs(volumes, progress, image_series, findings=findings)
        return ("findings", list(model.predict(inputs)))
    except NoResult as refusal:
        return ("no_result", refusal.check, refusal.found, refusal.expected)
    except Exception as error:  # the model is foreign code: its failure is an answer too
        return ("failed", type(error).__name__, str(error))

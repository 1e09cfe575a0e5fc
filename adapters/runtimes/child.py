"""The inside of a model's process: load the model once, then answer until the pipe closes."""

import signal
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from adapters.child_process import end_with_parent
from adapters.garbage import calm_collector
from adapters.runtimes.errors import ModelFailed, ModelServerAway
from adapters.runtimes.fault_place import fault_place
from adapters.runtimes.incoming import Incoming, drawn_on, incoming, inputs_of
from adapters.runtimes.loading import Loadable, load
from ai_models.card import ModelCard
from ai_models.contract import Inputs, Model, NoResult
from ai_models.gate import examine, examine_images
from standards.errors import UnfitSeries
from standards.findings import Caveat, Findings
from standards.region import check_places

# Follows the last instance of a series, and the last series; no DICOM file and no name is empty.
END = b""
# In the place of a file: the inputs that have come so far are to be forgotten, unanswered.
ABANDONED = b"\0"


def serve(connection: Connection, loadable: Loadable) -> None:
    """Answer each set of inputs with findings or why there are none.

    Messages in: for each input its name, its files one by one, END; then END. ABANDONED as a file
    begins anew.

    Messages out: ("ready",), ("unusable", why), ("away", address, why), ("findings", findings,
    load s, predict s), ("no_result" or "refused", check, found, expected), ("failed", kind,
    message); and any number of ("progress", percent) before one of the last five.
    """
    end_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's to handle
    try:
        model = load(loadable)
    except ModelServerAway as away:
        connection.send(("away", away.address, away.told))
        return
    except Exception as error:  # whatever a foreign artefact raises
        place = fault_place(error, loadable.folder)
        connection.send(("unusable", f"{type(error).__name__}: {error}{place}"))
        return
    calm_collector()
    connection.send(("ready",))
    while True:
        try:
            series = receive(connection, loadable.card)
        except EOFError:
            return
        tell = partial(_tell, connection)
        connection.send(answer(model, loadable, series, tell))


def receive(connection: Connection, card: ModelCard) -> dict[str, Incoming]:
    """The series of all inputs by name, the one that results are drawn on first.

    Raises EOFError when the worker has closed the pipe.
    """
    received: dict[str, Incoming] = {}
    while (told := connection.recv_bytes()) != END:
        name = told.decode()
        series = received[name] = incoming(card.input(name).kind)
        while (content := connection.recv_bytes()) != END:
            if content == ABANDONED:
                received = {}
                break
            series.add(content)
    return received


def _tell(connection: Connection, percent: float) -> None:
    connection.send(("progress", max(0, min(int(percent), 99))))


def passed(inputs: Inputs, card: ModelCard) -> list[Caveat]:
    """What the gate tells of inputs that the model may see. Raises UnfitSeries for others."""
    caveats = []
    for name, volume in inputs.volumes.items():
        caveats += examine(volume, card.input(name), card.gate)
    for name, images in inputs.image_series.items():
        headers = [image.instance for image in images]
        caveats += examine_images(headers, card.input(name), card.gate)
    return caveats


def answer(
    model: Model,
    loadable: Loadable,
    series: dict[str, Incoming],
    progress: Callable[[float], None],
) -> tuple[Any, ...]:
    """What `serve` says of one set of inputs. The model sees none that the gate refuses."""
    started = time.perf_counter()
    try:
        inputs = inputs_of(series, progress)
        caveats = passed(inputs, loadable.card)
        loaded = time.perf_counter()
        findings = Findings.of([*caveats, *model.predict(inputs)])
        check_places(findings.regions, drawn_on(inputs, next(iter(series))))
        decoding = sum(one.seconds for one in series.values())
        return ("findings", findings, decoding + loaded - started, time.perf_counter() - loaded)
    except NoResult as refusal:
        return ("no_result", refusal.check, refusal.found, refusal.expected)
    except UnfitSeries as unfit:
        return ("refused", unfit.check, unfit.found, unfit.expected)
    except ModelServerAway as away:
        return ("away", away.address, away.told)
    except ModelFailed as failed:  # in an environment of its own
        return ("failed", failed.kind, failed.message)
    except Exception as error:  # of foreign code, or a claim that no carrier could write
        place = fault_place(error, loadable.folder)
        return ("failed", type(error).__name__, f"{error}{place}")

"""A container as a model: started anew for each input, with its files in one folder."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.runtimes.containers import engines
from adapters.runtimes.containers.errors import (
    ContainerEnded,
    ContainerKilled,
    ContainerTimedOut,
    EngineUnfit,
)
from adapters.runtimes.containers.map_layout import APP, PKG, Layout, layout_of
from adapters.runtimes.containers.naming import container_name
from adapters.runtimes.containers.results import (
    Written,
    check_written,
    dicom_findings,
)
from adapters.runtimes.containers.task import NOBODY, Engine, Task
from adapters.runtimes.incoming import drawn_on
from ai_models.card import ModelCard
from ai_models.card.runtime import Container
from ai_models.contract import Inputs
from standards.findings import Finding

_KILLED = 137  # 128 + SIGKILL
_MIB = 1 << 20


def load(card: ModelCard, folder: Path | None) -> "ContainerModel":
    """See that engine and image are there, and read the layout of its package.

    folder: may hold app.json and pkg.json, which then count and not those of the image.
    Raises NoContainerEngine, ImageNotHere, UnfitManifest, EngineUnfit, ModelServerAway.
    """
    runtime = card.runtime
    assert isinstance(runtime, Container)  # noqa: S101 (as the table of loaders has it)
    engine = engines.engine(os.getppid())
    engines.sweep(engine)
    in_image = engine.prepare(runtime.image)
    beside = {name: (folder / name) for name in (APP, PKG)} if folder else {}
    given = {name: path.read_bytes() for name, path in beside.items() if path.is_file()}
    layout = layout_of(given or in_image)
    if layout.memory > card.resources.memory_mb * _MIB:
        raise EngineUnfit(
            f"the {layout.memory // _MIB} MiB of memory that {PKG} asks for",
            f"them in resources.memory_mb of the card, which says {card.resources.memory_mb}",
        )
    return ContainerModel(card, runtime, engine, layout)


class ContainerModel:
    """One container at a time."""

    def __init__(self, card: ModelCard, runtime: Container, engine: Engine, layout: Layout) -> None:
        self._card, self._runtime, self._engine = card, runtime, engine
        self._layout = replace(layout, command=runtime.command or layout.command)

    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        """Raises ContainerError, ModelServerAway, and StandardsError for what cannot be claimed."""
        assert inputs.folder is not None  # noqa: S101 (it is kept for this kind of model)
        with _output_folder(inputs.folder) as outputs:
            self._run(self._task(inputs.folder, outputs))
            return self._findings(Written.in_folder(outputs), inputs)

    def _task(self, inputs: Path, outputs: Path) -> Task:
        resources = self._card.resources
        return Task(
            container_name(os.getppid()),
            f"{self._card.name}-{self._card.version}",
            self._runtime.image,
            self._layout,
            inputs,
            outputs,
            resources.memory_mb,
            resources.timeout_seconds,
            resources.threads,
            os.environ.get("CUDA_VISIBLE_DEVICES") if resources.device == "cuda" else None,
            resources.network,
            _user(inputs, outputs),
        )

    def _run(self, task: Task) -> None:
        allowed, started = self._layout.timeout_seconds, time.monotonic()

        def watch() -> None:
            Written.in_folder(task.outputs)  # raises where it is too much
            if allowed and time.monotonic() - started > allowed:
                raise ContainerTimedOut(allowed)

        code = self._engine.run(task, watch)
        if code == _KILLED:
            raise ContainerKilled(task.memory_mb)
        if code:
            raise ContainerEnded(code)

    def _findings(self, written: Written, inputs: Inputs) -> list[Finding]:
        objects = written.objects()
        check_written(written, objects, self._runtime.files)
        name = self._card.series[0].name  # on which results are drawn
        findings = dicom_findings(objects, drawn_on(inputs, name)) if objects else []
        if self._runtime.files:
            from adapters.runtimes.containers.tensors import tensor_findings  # noqa: PLC0415 (torch)

            files, outputs = self._runtime.files, self._card.outputs
            findings += tensor_findings(written, outputs, files, inputs.volumes[name])
        return findings


@contextmanager
def _output_folder(inputs: Path) -> Iterator[Path]:
    """Beside that of the input, as private."""
    with TemporaryDirectory(prefix="output-", dir=inputs.parent) as folder:
        yield Path(folder)


def _user(inputs: Path, outputs: Path) -> tuple[int, int]:
    """Who runs in the container and may read one folder and write the other: we, but never root."""
    if os.getuid():
        return os.getuid(), os.getgid()
    for folder in (inputs, outputs):
        shutil.chown(folder, NOBODY, NOBODY)
        for path in folder.rglob("*"):
            shutil.chown(path, NOBODY, NOBODY)
    return NOBODY, NOBODY

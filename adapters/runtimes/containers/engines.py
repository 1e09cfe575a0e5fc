"""Which engine runs the containers of this machine."""

import contextlib
import os
import shutil
from pathlib import Path
from tempfile import gettempdir

from adapters.runtimes.containers.cluster import KUBERNETES, claim, connect
from adapters.runtimes.containers.command import DOCKER, PODMAN
from adapters.runtimes.containers.command_line import CommandLineEngine
from adapters.runtimes.containers.errors import EngineUnfit, NoContainerEngine
from adapters.runtimes.containers.naming import container_name, is_abandoned
from adapters.runtimes.containers.task import Engine

NAMED_BY = "AIRGATE_CONTAINER_ENGINE"


def engine(keeper: int) -> Engine:
    """As the operator says, or the first that is on PATH. keeper: its process id.

    Raises NoContainerEngine, EngineUnfit.
    """
    wanted = os.environ.get(NAMED_BY, "")
    if wanted == KUBERNETES:
        place, client = claim(), connect()
        from adapters.runtimes.containers.kubernetes_engine import (  # noqa: PLC0415 (an extra)
            KubernetesEngine,
        )

        return KubernetesEngine(client, place)
    for kind in (wanted,) if wanted else (DOCKER, PODMAN):
        if program := shutil.which(kind):
            return CommandLineEngine(kind, program, container_name(keeper))
    raise NoContainerEngine(wanted)


def own_folder(keeper: int) -> Path:
    """Where the files of its runs lie: in its private folder, which goes with it."""
    return Path(gettempdir()) / container_name(keeper)


def sweep(engine: Engine) -> None:
    """Remove what keepers have left behind that were killed before they could."""
    for name in filter(is_abandoned, engine.names()):
        engine.remove(name)


def end(keeper: int) -> None:
    """Whatever its model may have left running."""
    with contextlib.suppress(NoContainerEngine, EngineUnfit):
        engine(keeper).remove(container_name(keeper))

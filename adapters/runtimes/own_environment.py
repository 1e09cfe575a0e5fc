"""A Python class in an environment of its own: a process of that environment, asked over a pipe.

The process that starts it reads and checks the series as ever; what is sent are the inputs.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing import Pipe
from pathlib import Path

from adapters.runtimes.environment_use import hold
from adapters.runtimes.errors import ModelFailed
from ai_models.contract import Inputs, NoResult
from standards.findings import Finding

# The packages of the environment come first, this program and what it stands on behind them.
_START = (
    "import json, sys; sys.path += json.loads(sys.argv[2]); "
    "from adapters.runtimes.environment_child import serve; "
    "serve(int(sys.argv[1]), sys.argv[3], sys.argv[4])"
)


class ModelInEnvironment:
    """A `Model`; its process lives as long as the one that made it."""

    def __init__(self, python: Path, entry: str, folder: Path | None) -> None:
        """Wait until the class is loaded. Raises ModelFailed where it cannot be.

        folder: where its modules lie.
        """
        self._held = hold(python.parents[1])
        self._connection, theirs = Pipe()
        behind = [str(Path(one).resolve()) for one in sys.path]
        told = [str(theirs.fileno()), json.dumps(behind), entry, str(folder or "")]
        self._process = subprocess.Popen(
            [python, "-P", "-E", "-c", _START, *told],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        kind, *rest = self._message()
        if kind != "ready":
            raise ModelFailed(*rest)

    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        """Raises NoResult as the model does, and ModelFailed for all else that it raises."""
        self._connection.send((inputs.volumes, inputs.image_series, inputs.findings))
        while True:
            kind, *rest = self._message()
            if kind == "findings":
                return rest[0]
            if kind == "progress":
                inputs.progress(rest[0])
            else:
                raise {"no_result": NoResult, "failed": ModelFailed}[kind](*rest)

    def _message(self) -> tuple:
        try:
            return self._connection.recv()
        except EOFError as error:
            code = self._process.wait()
            told = f"the process in its environment ended with exit code {code}"
            raise ModelFailed("Crash", told) from error

"""Virtual environments for models that need other packages than this program does.

One for each set of requirements, shared by the models that ask for the same.
"""

import hashlib
import json
import logging
import shutil
import subprocess
import sys
import uuid
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path

from adapters.runtimes.environment_use import drop, is_there
from adapters.runtimes.errors import ModelError
from ai_models.card import ModelCard
from ai_models.card.runtime import Python

log = logging.getLogger(__name__)

_MAKING_SECONDS = 1800.0  # a download of gigabytes, on a slow line
_LINES_TOLD = 5


class EnvironmentNotMade(ModelError):
    """told: the last lines of whoever could not make it."""

    def __init__(self, requirements: Sequence[str], told: str) -> None:
        self.requirements, self.told = tuple(requirements), told
        super().__init__(
            f"no environment could be made with {', '.join(requirements)}: {told}; expected wheels "
            "for this machine in the index of pip's own settings, or in runtime.wheels"
        )


class Environments:
    """folder: where they lie, one folder each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def python(self, card: ModelCard, folder: Path | None) -> Path | None:
        """The interpreter of a model, its environment made if need be; None where it needs none.

        folder: of the model. Raises EnvironmentNotMade.
        """
        name = name_of(card, folder)
        if name is None:
            return None
        assert isinstance(card.runtime, Python)  # noqa: S101 (others have no environment)
        target = self._folder / name
        if not is_there(target):
            self._make(target, card.runtime.requirements, _wheels(card.runtime, folder))
        return target / "bin" / "python"

    def tidy(self, needed: Collection[str], before: float) -> int:
        """Drop those that nobody needs, asks for since that time, or runs in; how many they were.

        needed: their names, as `name_of` has them.
        """
        found = self._folder.iterdir() if self._folder.exists() else ()
        return sum(drop(path, before) for path in found if path.name not in needed)

    def _make(self, target: Path, requirements: Sequence[str], wheels: Path | None) -> None:
        """In one step, so that nobody sees half of it; unless another process was faster."""
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{uuid.uuid4().hex}.partial")
        try:
            log.info("making an environment", extra={"requirements": list(requirements)})
            _run(requirements, [sys.executable, "-m", "venv", "--without-pip", str(partial)])
            _run(requirements, _installation(partial, requirements, wheels))
            try:
                partial.rename(target)
            except OSError:
                if not target.exists():
                    raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def name_of(card: ModelCard, folder: Path | None) -> str | None:
    """Of the environment of a model; None where it needs none. folder: as in Environments."""
    runtime = card.runtime
    if not isinstance(runtime, Python) or not runtime.requirements:
        return None
    return _digest(runtime.requirements, _wheels(runtime, folder))


def _wheels(runtime: Python, folder: Path | None) -> Path | None:
    return folder / runtime.wheels if folder and runtime.wheels else None


def _installation(
    environment: Path, requirements: Sequence[str], wheels: Path | None
) -> Sequence[str]:
    """The command. Wheels alone: building from source would run code that nobody has looked at."""
    listed = environment / "requirements.txt"
    listed.write_text("\n".join(requirements) + "\n", "utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install"]
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:"]
    source = ["--no-index", "--find-links", str(wheels)] if wheels else []
    hashes = ["--require-hashes"] if any("--hash=" in one for one in requirements) else []
    return [*pip, *quiet, *source, *hashes, "-r", str(listed)]


def _run(requirements: Sequence[str], command: Sequence[str]) -> None:
    try:
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_MAKING_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout).strip().splitlines()
        raise EnvironmentNotMade(requirements, " ".join(lines[-_LINES_TOLD:])) from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentNotMade(requirements, f"it took over {_MAKING_SECONDS:g} s") from error


def _digest(requirements: Sequence[str], wheels: Path | None) -> str:
    """Other requirements, other wheels or another interpreter make another environment."""
    content = _content(wheels) if wheels and wheels.is_dir() else ()
    about = json.dumps([sys.version, sys.base_prefix, list(requirements), content])
    return hashlib.sha256(about.encode()).hexdigest()[:32]


@lru_cache(maxsize=64)  # asked for each workitem, and gigabytes large; where it lies never changes
def _content(wheels: Path) -> tuple[tuple[str, str], ...]:
    """Name and sha256 of each file."""
    digests = []
    for path in sorted(one for one in wheels.iterdir() if one.is_file()):
        with path.open("rb") as stream:
            digests.append((path.name, hashlib.file_digest(stream, "sha256").hexdigest()))
    return tuple(digests)

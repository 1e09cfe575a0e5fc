"""How much memory each build of a model took on this machine, by the size of what it saw.

Kept in a folder, one small file a build, so that it outlives the workers, who share it.
"""

import contextlib
import json
import os
import tempfile
from dataclasses import astuple, replace
from pathlib import Path

from adapters.runtimes.loading import Loadable
from adapters.runtimes.usage import Memory


class Peaks:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def expected(self, model: Loadable, pixels: int) -> Memory:
        """What it took at most on inputs of that size, or on smaller ones if that was more.

        Nothing is known: what the card says, as if it took that at rest too. Of a GPU nothing is
        known either where not PyTorch gave out its memory, or there was none.
        """
        known = [memory for size, memory in self._known(model).items() if size <= _size(pixels)]
        if _size(pixels) not in self._known(model):
            resources = model.card.resources
            told = resources.memory_mb << 20
            known.append(Memory(told, told, resources.gpu_memory_mb << 20))
        most = _most(known)
        return replace(most, gpu=most.gpu or model.card.resources.gpu_memory_mb << 20)

    def learn(self, model: Loadable, pixels: int, memory: Memory) -> None:
        """Of one run that went well."""
        known, size = self._known(model), _size(pixels)
        most = _most([known[size], memory]) if size in known else memory
        if known.get(size) != most:
            self._keep(model, {**known, size: most})

    def _known(self, model: Loadable) -> dict[int, Memory]:
        try:
            content = json.loads(self._path(model).read_bytes())
        except (FileNotFoundError, ValueError):  # unwritten, or cut off: it is learned again
            return {}
        return {int(size): Memory(*values) for size, values in content.items()}

    def _keep(self, model: Loadable, known: dict[int, Memory]) -> None:
        """Of two workers at once one wins; the other learns it again by its next run."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder)
        with open(handle, "w") as stream:
            json.dump({size: astuple(memory) for size, memory in known.items()}, stream)
        with contextlib.suppress(OSError):
            os.replace(name, self._path(model))

    def _path(self, model: Loadable) -> Path:
        return self._folder / f"{model.card.name}-{model.card.version}-{model.build[:16]}.json"


def _size(pixels: int) -> int:
    """Sizes up to a power of two are one."""
    return pixels.bit_length()


def _most(known: list[Memory]) -> Memory:
    return Memory(*map(max, zip(*map(astuple, known), strict=True)))

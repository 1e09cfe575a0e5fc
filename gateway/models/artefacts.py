"""Artefacts of models: kept in the store for all machines, laid out in a folder of each.

An archive is unpacked; a single file, such as weights, lies in its folder under its name.
"""

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.artefact_store import ArtefactStore
from adapters.runtimes.environments import Environments, name_of
from ai_models.card import ModelCard, Stage
from gateway.models.unpacking import unpack
from gateway.store.tables import ModelRow

_PARTIAL = ".partial"
KEPT_SECONDS = 86_400.0  # what no version refers to may be on its way to one


@dataclass(frozen=True, slots=True)
class Artefact:
    """digest: sha256 of its bytes, in hexadecimal. name: of a single file, "" of an archive."""

    digest: str
    name: str = ""

    @property
    def folder(self) -> str:
        return f"{self.digest}-{self.name}" if self.name else self.digest


Carded = tuple[ModelCard, Artefact | None]


class Artefacts:
    """folder: of this machine; what lies there is fetched again where it is lost."""

    def __init__(self, store: ArtefactStore, folder: Path) -> None:
        self._store, self._folder = store, folder
        self.environments = Environments(folder.with_name("environments"))

    @contextmanager
    def laid_out(self, path: Path, name: str = "") -> Iterator[tuple[Artefact, Path]]:
        """A new artefact in a folder of its own, to look at until it is decided on.

        name: of a single file; "" unpacks an archive, which raises Unprocessable as `unpack` does.
        """
        with path.open("rb") as stream:
            artefact = Artefact(hashlib.file_digest(stream, "sha256").hexdigest(), name)
        with self._partial(artefact) as partial:
            _lay_out(path, artefact, partial)
            yield artefact, partial

    def keep(self, artefact: Artefact, path: Path, laid_out: Path) -> None:
        """Put it into the store, and its folder in place. Raises ArtefactsUnavailable."""
        self._store.put(path, artefact.digest)
        self._settle(laid_out, artefact)

    def folder(self, artefact: Artefact) -> Path:
        """Where it is laid out, fetched if need be. Raises ArtefactsUnavailable."""
        target = self._folder / artefact.folder
        if not target.exists():
            with self._partial(artefact) as partial:
                packed = partial.with_suffix(".fetched")
                try:
                    self._store.fetch(artefact.digest, packed)
                    _lay_out(packed, artefact, partial)
                finally:
                    packed.unlink(missing_ok=True)
                self._settle(partial, artefact)
        return target

    def tidy(self, known: Collection[Artefact], before: float) -> None:
        """Drop what this machine has laid out before that time and no version refers to."""
        kept = {one.folder for one in known}
        for path in self._folder.iterdir() if self._folder.exists() else ():
            if path.name not in kept and path.stat().st_mtime < before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def tidy_environments(self, cards: Collection[Carded], before: float) -> None:
        """Drop the environments of this machine that none of these needs and nobody uses."""
        folders = [(card, artefact and self._folder / artefact.folder) for card, artefact in cards]
        names = (name_of(card, folder) for card, folder in folders)
        self.environments.tidy({name for name in names if name}, before)

    def clean_up(self, known: Callable[[], Collection[Artefact]], before: float) -> int:
        """Remove what came to the store before that and no version refers to; how much that was.

        known: asked once the store was looked at, so that it has all that lay there.
        """
        old = list(self._store.names_before(before))
        unused = set(old) - {one.digest for one in known()}
        for name in unused:
            self._store.remove(name)
        return len(unused)

    @contextmanager
    def _partial(self, artefact: Artefact) -> Iterator[Path]:
        """A path of its own, of which nothing is left in the end."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{artefact.digest}.{uuid.uuid4().hex}{_PARTIAL}"
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def _settle(self, partial: Path, artefact: Artefact) -> None:
        """In one step, so that nobody sees half of it; unless another process was faster."""
        target = self._folder / artefact.folder
        os.utime(partial)
        try:
            partial.rename(target)
        except OSError:
            if not target.exists():
                raise


def in_service(session: Session) -> list[Carded]:
    """Card and artefact of all versions that are not retired."""
    rows = session.scalars(select(ModelRow).where(ModelRow.stage != Stage.RETIRED))
    return [(ModelCard.model_validate_json(row.card), artefact_of(row)) for row in rows]


def artefact_of(row: ModelRow) -> Artefact | None:
    return Artefact(row.artefact, row.artefact_name) if row.artefact else None


def referred_to(session: Session) -> set[Artefact]:
    """The artefacts of all versions of all models."""
    query = select(ModelRow.artefact, ModelRow.artefact_name).where(ModelRow.artefact != "")
    return {Artefact(digest, name) for digest, name in session.execute(query)}


def _lay_out(path: Path, artefact: Artefact, folder: Path) -> None:
    if artefact.name:
        folder.mkdir(parents=True)
        shutil.copyfile(path, folder / artefact.name)
    else:
        unpack(path, folder)

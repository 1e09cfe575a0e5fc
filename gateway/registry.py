"""The models that may run here: their cards, versions and builds."""

import hashlib
import json
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.runtimes.errors import ModelError
from adapters.runtimes.kept_process import Surroundings
from adapters.runtimes.loading import Loadable
from ai_models.bundled import bundled_models, digest_of, folder_of
from ai_models.card import OUTSIDE, ModelCard, Stage, has_card, read_card
from ai_models.card.bundle import METADATA
from ai_models.card.runtime import Python
from gateway.chains.cards import fault_of_card
from gateway.errors import Conflict, NotFound, Unprocessable
from gateway.models import stages
from gateway.models.artefacts import Artefact, Artefacts, artefact_of
from gateway.models.proving import needs_pickles
from gateway.store.database import Database
from gateway.store.tables import ModelRow
from gateway.validation import one_line
from standards import ups
from standards.identity import Algorithm

PROGRAM = "airgate"  # who registers bundled models


@dataclass(frozen=True)
class RegisteredModel:
    """One version of a model, with the build (digest) that runs under its name.

    pickles: whether it cannot be loaded without the pickled code that it brought.
    """

    card: ModelCard
    digest: str
    artefact: Artefact | None = None
    stage: Stage = Stage.LIVE
    registered_at: float = 0.0
    pickles: bool = False

    @classmethod
    def of(cls, row: ModelRow) -> "RegisteredModel":
        card = ModelCard.model_validate_json(row.card)
        stage = Stage(row.stage)
        return cls(card, row.digest, artefact_of(row), stage, row.registered_at, row.pickles)

    @property
    def algorithm(self) -> Algorithm:
        card = self.card
        return Algorithm(card.title, card.version, card.manufacturer, self.digest, card.family.code)

    @property
    def performer(self) -> ups.Performer:
        return ups.Performer(ups.model_code(self.card.name, self.card.title), "AIRGATE")


class Registry:
    """Cards and stages live in the database, uploaded artefacts in their store.

    allow_pickles: whether models may be loaded with pickled code that they brought.
    """

    def __init__(
        self,
        database: Database,
        artefacts: Artefacts,
        surroundings: Surroundings = Surroundings(),
        *,
        allow_pickles: bool = False,
    ) -> None:
        self._database, self._artefacts = database, artefacts
        self._surroundings, self._allow_pickles = surroundings, allow_pickles

    def add_bundled(self) -> None:
        """Register what ships with the program; a changed build replaces its former self.

        A new version is live where its card says so, unless people have taken its model out of use.
        """
        with self._database.write() as session:
            for folder, card in bundled_models().items():
                row = _row(card, digest_of(folder))
                known = session.get(ModelRow, (card.name, card.version))
                if known is None:
                    stage = Stage.DRAFT if _is_out_of_use(session, card.name) else card.stage
                    stages.begin(session, row, stages.Order(PROGRAM), stage)
                elif (known.digest, known.card) != (row.digest, row.card):
                    row.stage = known.stage
                    session.merge(row)

    def add_card(self, card: ModelCard, by: str) -> RegisteredModel:
        """Register a card that needs no files beside what this installation can import.

        by: who does. Raises Unprocessable, and Conflict where the version has another build.
        """
        row = _row(card, _card_digest(card))
        self._try_out(row, card, None)
        return self._add(row, by)

    def add_artefact(
        self, path: Path, by: str, *, name: str = "", card: ModelCard | None = None
    ) -> RegisteredModel:
        """Register a zip or tar.gz archive or, where it has a name, a file that stays as it is.

        card: unset = `card.toml` at the root of the archive. Raises Unprocessable, Conflict, and
        ArtefactsUnavailable.
        """
        with self._artefacts.laid_out(path, name) as (artefact, folder):
            build = artefact.digest
            if card is None:
                card = _card_in(folder)
            else:
                _check_name(card, name)
                build = hashlib.sha256(f"{build} {_content(card)}".encode()).hexdigest()
            row = _row(card, build, artefact)
            self._try_out(row, card, folder)
            self._artefacts.keep(artefact, path, folder)
        return self._add(row, by)

    def versions(self, name: str | None = None) -> list[RegisteredModel]:
        """All versions, newest first; of one model when a name is given (NotFound if none)."""
        query = select(ModelRow).order_by(ModelRow.name, ModelRow.registered_at.desc())
        with self._database.read() as session:
            rows = session.scalars(query.where(ModelRow.name == name) if name else query).all()
        if name and not rows:
            raise NotFound("model", name)
        return [RegisteredModel.of(row) for row in rows]

    def version(self, name: str, version: str) -> RegisteredModel:
        with self._database.read() as session:
            row = session.get(ModelRow, (name, version))
        if row is None:
            raise NotFound("model", f"{name} {version}")
        return RegisteredModel.of(row)

    def runnable(self, session: Session, name: str) -> tuple[RegisteredModel, ...]:
        """The live version of a model, then the newest in shadow; of each there may be none."""
        rows = session.scalars(
            select(ModelRow)
            .where(ModelRow.name == name, ModelRow.stage.in_((Stage.LIVE, Stage.SHADOW)))
            .order_by(ModelRow.registered_at)
        )
        newest = {Stage(row.stage): row for row in rows}
        stages_in_order = (Stage.LIVE, Stage.SHADOW)
        return tuple(RegisteredModel.of(newest[one]) for one in stages_in_order if one in newest)

    def loadable(self, model: RegisteredModel) -> Loadable:
        """Its artefact is fetched to this machine, and its environment made, if need be.

        Raises ArtefactsUnavailable and EnvironmentNotMade.
        """
        card, artefact = model.card, model.artefact
        folder = self._artefacts.folder(artefact) if artefact else folder_of(card)
        loadable = self._in_environment(card, folder)
        pickles = model.pickles and self._allow_pickles
        return replace(loadable, build=model.digest, pickles=pickles)

    def _in_environment(self, card: ModelCard, folder: Path | None) -> Loadable:
        return Loadable(card, folder, self._artefacts.environments.python(card, folder))

    def _try_out(self, row: ModelRow, card: ModelCard, folder: Path | None) -> None:
        """What its loading needs is noted. Raises Unprocessable for a model that takes findings
        which nothing gives, and for one that cannot be loaded.
        """
        with self._database.read() as session:
            fault = fault_of_card(card, partial(_cards_in_use, session))
        if fault:
            raise Unprocessable(fault)
        row.pickles = self._needs_pickles(card, folder)

    def _needs_pickles(self, card: ModelCard, folder: Path | None) -> bool:
        """Told by loading it once. Raises Unprocessable for a model that cannot be loaded."""
        if card.queue == OUTSIDE:
            return False
        try:
            model = self._in_environment(card, folder)
            return needs_pickles(model, self._surroundings, allowed=self._allow_pickles)
        except ModelError as error:
            raise Unprocessable(str(error)) from error

    def _add(self, row: ModelRow, by: str) -> RegisteredModel:
        """Where the version is known with the same build, nothing changes. Raises Conflict."""
        with self._database.write() as session:
            known = session.get(ModelRow, (row.name, row.version))
            if known is None:
                card = ModelCard.model_validate_json(row.card)
                stages.begin(session, row, stages.Order(by), card.stage)
                return RegisteredModel.of(row)
            if known.digest != row.digest:
                raise Conflict(
                    f"model {row.name} {row.version} is registered with another build; "
                    "give the new build a new version in its card"
                )
            return RegisteredModel.of(known)


def _cards_in_use(session: Session, name: str) -> list[ModelCard]:
    """Of the versions that are not retired, newest first."""
    rows = session.scalars(
        select(ModelRow)
        .where(ModelRow.name == name, ModelRow.stage != Stage.RETIRED)
        .order_by(ModelRow.registered_at.desc())
    )
    return [RegisteredModel.of(row).card for row in rows]


def _is_out_of_use(session: Session, name: str) -> bool:
    """Whether versions of it are known and none is live."""
    found = session.scalars(select(ModelRow.stage).where(ModelRow.name == name)).all()
    return bool(found) and Stage.LIVE not in found


def _row(card: ModelCard, digest: str, artefact: Artefact | None = None) -> ModelRow:
    return ModelRow(
        name=card.name,
        version=card.version,
        digest=digest,
        card=card.model_dump_json(),
        artefact=artefact.digest if artefact else "",
        artefact_name=artefact.name if artefact else "",
        registered_at=time.time(),
    )


def _card_in(folder: Path) -> ModelCard:
    """The card of an unpacked archive; of a MONAI bundle also where its folder was packed whole,
    as the Model Zoo does.
    """
    packed_whole = [] if has_card(folder) else [*folder.glob(f"*/{METADATA.as_posix()}")]
    try:
        if len(packed_whole) != 1:
            return read_card(folder)
        inner = packed_whole[0].parents[len(METADATA.parts) - 1]
        card = read_card(inner).model_dump()
        return ModelCard.model_validate(card | {"runtime": card["runtime"] | {"root": inner.name}})
    except (OSError, ValueError) as error:  # no TOML, no UTF-8, no card
        raise Unprocessable(
            f"card.toml of the archive cannot be used: {one_line(error)}; "
            "put a model card at the root of the archive"
        ) from error


def _check_name(card: ModelCard, name: str) -> None:
    """Of a single file, where the card names the one that is loaded."""
    wanted = getattr(card.runtime, "file", name)
    if name and wanted != name:
        raise Unprocessable(
            f"the card's runtime.file is {wanted!r}, but the file is called {name!r}; "
            "let both have one name"
        )


def _card_digest(card: ModelCard) -> str:
    """The build of an importable entry: the folder of its module, found without importing it.

    Of all else that is registered by its card, nothing but the card is known.
    """
    if not isinstance(card.runtime, Python):
        return hashlib.sha256(_content(card).encode()).hexdigest()
    module = card.runtime.entry.partition(":")[0]
    relative = Path(*module.split("."))
    for root in (Path(entry or ".") for entry in sys.path):
        for path in (root / relative.with_suffix(".py"), root / relative / "__init__.py"):
            if path.is_file():
                return digest_of(path.parent) if "." in module else _file_digest(path)
    return hashlib.sha256(_content(card).encode()).hexdigest()


def _content(card: ModelCard) -> str:
    """What the card says beyond defaults: a field that later versions bring changes no build."""
    said = card.model_dump(mode="json", exclude_defaults=True)
    return json.dumps([card.runtime.kind, said], sort_keys=True)


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

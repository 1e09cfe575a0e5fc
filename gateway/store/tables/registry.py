"""Models and the rules that choose them."""

from sqlalchemy import Index, false
from sqlalchemy.orm import Mapped, mapped_column

from gateway.store.tables.base import Base


class ModelRow(Base):
    """One registered version of one model. `card` is the card as JSON.

    stage: where it stands now (gateway/models/stages.py); its card says where it began.
    pickles: whether it cannot be loaded without the pickled code that it brought.
    """

    __tablename__ = "models"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    card: Mapped[str]
    artefact: Mapped[str] = mapped_column(default="")  # sha256 of what was uploaded, or ""
    artefact_name: Mapped[str] = mapped_column(default="", server_default="")  # of a single file
    stage: Mapped[str]
    registered_at: Mapped[float]
    pickles: Mapped[bool] = mapped_column(default=False, server_default=false())


class ModelStageRow(Base):
    """One change of the stage of a version. found: the stage before, "" at its registration."""

    __tablename__ = "model_stages"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(index=True)
    version: Mapped[str]
    found: Mapped[str]
    stage: Mapped[str]
    at: Mapped[float]
    changed_by: Mapped[str]  # name of the token, or `airgate` for bundled models
    note: Mapped[str] = mapped_column(default="", server_default="")


class RuleVersionRow(Base):
    """The whole set of routing rules as one change left it; the last one is in force.

    rules: JSON list, in the order in which they are asked. from_file: JSON list of the names that
    the rules file gave; file_sha256: of the rules that it held when it was last taken over.
    """

    __tablename__ = "rule_versions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[float]
    changed_by: Mapped[str]  # name of the token, or `rules file`
    change: Mapped[str]  # what was done, in words
    rules: Mapped[str]
    from_file: Mapped[str] = mapped_column(default="[]", server_default="[]")
    file_sha256: Mapped[str] = mapped_column(default="", server_default="")


Index(
    "one_live_version",
    ModelRow.name,
    unique=True,
    sqlite_where=ModelRow.stage == "live",
    postgresql_where=ModelRow.stage == "live",
)

"""Instances of a study, series or instance resource, found in the index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, exists, select

from gateway.retrieve.errors import Gone, NoPixelData, NoSuchResource
from gateway.retrieve.links import instance_url
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, SeriesRow, StudyRow
from gateway.tombstones import was_deleted
from standards.uids import is_uid

# Series that are made from others; an image of theirs stands for the study only if none else does.
_DERIVED = ("SEG", "PR", "SR", "KO", "RTSTRUCT", "OT")


@dataclass(frozen=True)
class Scope:
    """What a URL names: a study, one of its series, or one instance of that.

    patient_id:  of the only patient whose studies the client may see; None for all of them.
    """

    study: str
    series: str | None = None
    instance: str | None = None
    patient_id: str | None = None

    @property
    def uids(self) -> list[str]:
        """Of the study, the series and the instance, as far as the URL names them."""
        return [uid for uid in (self.study, self.series, self.instance) if uid is not None]

    @property
    def name(self) -> tuple[str, str]:
        """The kind of resource and its UID, for messages."""
        if self.instance:
            return "instance", self.instance
        return ("series", self.series) if self.series else ("study", self.study)


@dataclass(frozen=True)
class Located:
    """One stored instance and how the archive names its bytes."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    number_of_frames: int
    archive_key: str
    size: int  # of the Part 10 file, bytes
    sha256: str  # of its data set
    received_at: float  # seconds since the epoch

    def url(self, root: str) -> str:
        return instance_url(
            root, self.study_instance_uid, self.series_instance_uid, self.sop_instance_uid
        )


_COLUMNS = (
    InstanceRow.study_instance_uid,
    InstanceRow.series_instance_uid,
    InstanceRow.sop_instance_uid,
    InstanceRow.transfer_syntax_uid,
    InstanceRow.number_of_frames,
    InstanceRow.archive_key,
    InstanceRow.size,
    InstanceRow.sha256,
    InstanceRow.received_at,
)
_INSTANCE_ORDER = (
    InstanceRow.series_instance_uid,
    InstanceRow.instance_number.is_(None),
    InstanceRow.instance_number,
    InstanceRow.sop_instance_uid,
)


def locate(database: Database, scope: Scope) -> Sequence[Located]:
    """Every instance of the resource, in order of series and Instance Number.

    Raises NoSuchResource when there is none, Gone when that is because it was deleted.
    """
    return [Located(*row) for row in _rows(database, scope, _COLUMNS)]


def statement(scope: Scope) -> Select[*tuple[Any, ...]]:
    """The fields of Located of every instance of the resource, in no order."""
    return _in(scope, select(*_COLUMNS))


class Stamp(NamedTuple):
    """What tells one stored content from another: whose it is, its hash, and when it came.

    Less than Located, and so much quicker to list for a study of thousands.
    """

    series_instance_uid: str
    sop_instance_uid: str
    sha256: str
    received_at: float


def stamps(database: Database, scope: Scope) -> Sequence[Stamp]:
    """Of every instance of the resource, in the order of `locate`. Raises NoSuchResource, Gone."""
    columns = [getattr(InstanceRow, name) for name in Stamp._fields]
    return [Stamp(*row) for row in _rows(database, scope, columns)]


def _rows(database: Database, scope: Scope, columns: Sequence[Any]) -> Sequence[Row[Any]]:
    if not all(map(is_uid, scope.uids)):  # what no UID can be is not put to the database
        raise NoSuchResource(*scope.name)
    with database.read() as session:
        rows = session.execute(_in(scope, select(*columns)).order_by(*_INSTANCE_ORDER)).all()
        if not rows and scope.patient_id is None and was_deleted(session, scope.study, scope.uids):
            raise Gone(*scope.name)
    if not rows:
        raise NoSuchResource(*scope.name)
    return rows


def locate_one(database: Database, scope: Scope) -> Located:
    return locate(database, scope)[0]


def representative(database: Database, scope: Scope) -> Located:
    """The instance whose image stands for a study or series: the middle one of the first series.

    Raises NoSuchResource, or NoPixelData when no instance has pixels.
    """
    locate(database, scope)
    series_order = (
        SeriesRow.modality.in_(_DERIVED),
        SeriesRow.series_number.is_(None),
        SeriesRow.series_number,
    )
    statement = (
        _in(scope, select(*_COLUMNS))
        .join(SeriesRow, SeriesRow.series_instance_uid == InstanceRow.series_instance_uid)
        .where(InstanceRow.rows > 0)
        .order_by(*series_order, *_INSTANCE_ORDER)
    )
    with database.read() as session:
        found = [Located(*row) for row in session.execute(statement)]
    if not found:
        raise NoPixelData(*scope.name)
    first = [each for each in found if each.series_instance_uid == found[0].series_instance_uid]
    return first[len(first) // 2]


def _in(scope: Scope, statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    statement = statement.where(InstanceRow.study_instance_uid == scope.study)
    if scope.series:
        statement = statement.where(InstanceRow.series_instance_uid == scope.series)
    if scope.instance:
        statement = statement.where(InstanceRow.sop_instance_uid == scope.instance)
    if scope.patient_id is not None:
        of_patient = exists(
            select(1).where(
                StudyRow.study_instance_uid == InstanceRow.study_instance_uid,
                StudyRow.patient_id == scope.patient_id,
            )
        )
        statement = statement.where(of_patient)
    return statement

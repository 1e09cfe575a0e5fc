"""Instances of a study, series or instance resource, found in the index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from gateway.retrieve.errors import NoPixelData, NoSuchResource
from gateway.retrieve.links import instance_url, with_links
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, SeriesRow

# Series that are made from others; an image of theirs stands for the study only if none else does.
_DERIVED = ("SEG", "PR", "SR", "KO", "RTSTRUCT", "OT")
_METADATA_AT_ONCE = 100


@dataclass(frozen=True)
class Scope:
    """What a URL names: a study, one of its series, or one instance of that."""

    study: str
    series: str | None = None
    instance: str | None = None

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
)
_INSTANCE_ORDER = (
    InstanceRow.series_instance_uid,
    InstanceRow.instance_number.is_(None),
    InstanceRow.instance_number,
    InstanceRow.sop_instance_uid,
)


def locate(database: Database, scope: Scope) -> Sequence[Located]:
    """Every instance of the resource, in order of series and Instance Number.

    Raises NoSuchResource when there is none.
    """
    with database.read() as session:
        rows = session.execute(_in(scope, select(*_COLUMNS)).order_by(*_INSTANCE_ORDER)).all()
    if not rows:
        raise NoSuchResource(*scope.name)
    return [Located(*row) for row in rows]


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


def metadata(database: Database, scope: Scope, root: str) -> Iterator[bytes]:
    """The headers of all instances as one DICOM JSON array, in pieces (PS3.18 10.4.1.1.2).

    root:  what gateway.public_url.public_root gives.
    Raises NoSuchResource before the first piece. Read in short transactions, since a slow
    client must not keep the database from cleaning up.
    """
    located = locate(database, scope)
    return _metadata(database, located, root)


def _metadata(database: Database, located: Sequence[Located], root: str) -> Iterator[bytes]:
    opening = b"["
    for batch in _batches(located):
        uids = [each.sop_instance_uid for each in batch]
        statement = select(InstanceRow.sop_instance_uid, InstanceRow.header)
        with database.read() as session:
            rows = session.execute(statement.where(InstanceRow.sop_instance_uid.in_(uids))).all()
        headers: dict[str, bytes] = {uid: header for uid, header in rows}
        yield opening + b",".join(
            with_links(headers[each.sop_instance_uid], each.url(root))
            for each in batch
            if each.sop_instance_uid in headers  # deleted in the meantime
        )
        opening = b","
    yield b"]"


def _batches(located: Sequence[Located]) -> Iterator[Sequence[Located]]:
    for start in range(0, len(located), _METADATA_AT_ONCE):
        yield located[start : start + _METADATA_AT_ONCE]


def _in(scope: Scope, statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    statement = statement.where(InstanceRow.study_instance_uid == scope.study)
    if scope.series:
        statement = statement.where(InstanceRow.series_instance_uid == scope.series)
    if scope.instance:
        statement = statement.where(InstanceRow.sop_instance_uid == scope.instance)
    return statement

"""What kinds of things a study, series or instance holds, as far as rendering goes.

PS3.18 Table 8.7.2-1, the Resource Categories; presentation states are shown through their images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import select

from gateway.rendering.presentation import FAMILY
from gateway.rendering.videos import VIDEO_TYPES
from gateway.retrieve.located import Located, Scope, locate
from gateway.store.database import Database
from gateway.store.tables import InstanceRow, SeriesRow
from standards.sr_content import is_document

_ENCAPSULATED = "1.2.840.10008.5.1.4.1.1.104."  # Encapsulated Document Storage, PS3.4 B.5


class Category(Enum):
    IMAGE = "image"
    VIDEO = "video"
    PRESENTATION_STATE = "presentation state"
    DOCUMENT = "document"
    ENCAPSULATED = "encapsulated document"
    OTHER = "other"


@dataclass(frozen=True)
class Target:
    """One instance and what it is rendered as."""

    located: Located
    sop_class_uid: str
    category: Category
    modality: str = ""

    @property
    def is_pictorial(self) -> bool:
        return self.category in (Category.IMAGE, Category.PRESENTATION_STATE)


def targets(database: Database, scope: Scope) -> Sequence[Target]:
    """Every instance of the resource, in the order of `locate`. Raises NoSuchResource."""
    located = locate(database, scope)
    columns = (
        InstanceRow.sop_instance_uid,
        InstanceRow.sop_class_uid,
        InstanceRow.rows,
        SeriesRow.modality,
    )
    statement = (
        select(*columns)
        .join(SeriesRow, SeriesRow.series_instance_uid == InstanceRow.series_instance_uid)
        .where(InstanceRow.study_instance_uid == scope.study)
    )
    if scope.series:
        statement = statement.where(InstanceRow.series_instance_uid == scope.series)
    if scope.instance:
        statement = statement.where(InstanceRow.sop_instance_uid == scope.instance)
    with database.read() as session:
        told = {row[0]: row for row in session.execute(statement).tuples()}
    found = []
    for each in located:
        if each.sop_instance_uid in told:  # else deleted in the meantime
            _, sop_class, rows, modality = told[each.sop_instance_uid]
            category = category_of(sop_class, rows, each.transfer_syntax_uid)
            found.append(Target(each, sop_class, category, modality))
    return found


def category_of(sop_class_uid: str, rows: int | None, transfer_syntax_uid: str) -> Category:
    if is_document(sop_class_uid):
        return Category.DOCUMENT
    if sop_class_uid.startswith(_ENCAPSULATED):
        return Category.ENCAPSULATED
    if sop_class_uid.startswith(FAMILY):
        return Category.PRESENTATION_STATE
    if not rows:
        return Category.OTHER
    return Category.VIDEO if transfer_syntax_uid in VIDEO_TYPES else Category.IMAGE

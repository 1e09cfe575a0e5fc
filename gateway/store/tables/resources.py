"""FHIR resources, and the values that they are found by."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from gateway.store.tables.base import Base


class FhirRow(Base):
    """The current version of one FHIR R4 resource, its JSON as served."""

    __tablename__ = "fhir_resources"

    resource_type: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    last_updated: Mapped[float] = mapped_column(index=True)
    workitem_uid: Mapped[str] = mapped_column(default="", index=True)
    body: Mapped[str]


class FhirSearchRow(Base):
    """One searchable value of a resource (FHIR R4 search: token, reference, date, string)."""

    __tablename__ = "fhir_search"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    resource_type: Mapped[str]
    resource_id: Mapped[str]
    parameter: Mapped[str]
    system: Mapped[str] = mapped_column(default="")
    value: Mapped[str] = mapped_column(default="")
    low: Mapped[float | None] = mapped_column(default=None)  # dates: first and last second
    high: Mapped[float | None] = mapped_column(default=None)


Index("fhir_value", FhirSearchRow.resource_type, FhirSearchRow.parameter, FhirSearchRow.value)
Index("fhir_owner", FhirSearchRow.resource_type, FhirSearchRow.resource_id)

"""What routers ask for, by type."""

from typing import Annotated, TypeVar

from fastapi import Depends, Path, Request
from sqlalchemy import Select

from gateway.public_url import public_root
from gateway.registry import Registry
from gateway.services import Services
from gateway.store.database import Database

MOST_PER_PAGE = 1000
LARGEST = 2**31 - 1  # of PostgreSQL's integer, which is the smaller of the databases' two

Row = TypeVar("Row")


def paged(query: Select[Row], limit: int, offset: int) -> Select[Row]:
    """One page of an ordered list; what is out of bounds is brought within them."""
    return query.limit(min(max(limit, 0), MOST_PER_PAGE)).offset(min(max(offset, 0), LARGEST))


def services(request: Request) -> Services:
    return request.app.state.services


def _database(request: Request) -> Database:
    return services(request).database


def _registry(request: Request) -> Registry:
    return services(request).registry


def _root(request: Request) -> str:
    return public_root(request, services(request).settings)


RowId = Annotated[int, Path(ge=0, le=LARGEST)]
DatabaseOf = Annotated[Database, Depends(_database)]
RegistryOf = Annotated[Registry, Depends(_registry)]
ServicesOf = Annotated[Services, Depends(services)]
PublicRoot = Annotated[str, Depends(_root)]

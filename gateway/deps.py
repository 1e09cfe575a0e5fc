"""What routers ask for, by type."""

from typing import Annotated

from fastapi import Depends, Request

from gateway.public_url import public_root
from gateway.registry import Registry
from gateway.services import Services
from gateway.store.database import Database


def services(request: Request) -> Services:
    return request.app.state.services


def _database(request: Request) -> Database:
    return services(request).database


def _registry(request: Request) -> Registry:
    return services(request).registry


def _root(request: Request) -> str:
    return public_root(request, services(request).settings)


DatabaseOf = Annotated[Database, Depends(_database)]
RegistryOf = Annotated[Registry, Depends(_registry)]
ServicesOf = Annotated[Services, Depends(services)]
PublicRoot = Annotated[str, Depends(_root)]

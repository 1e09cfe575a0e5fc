"""create_app: where routers, errors and sign-in meet."""

from fastapi import FastAPI

from gateway.auth import AuthMiddleware
from gateway.equipment import VERSION
from gateway.problems import add_handlers
from gateway.routers import (
    air,
    api_docs,
    console,
    fhir,
    health,
    models,
    ohif,
    quarantine,
    retrieve,
    rules,
    search,
    session,
    store,
    studies,
    workitems,
)
from gateway.services import Services

# OHIF's router comes last: it answers whatever no other path does.
ROUTERS = (
    health,
    session,
    console,
    store,
    search,
    retrieve,
    workitems,
    air,
    fhir,
    models,
    rules,
    studies,
    quarantine,
    api_docs,
    ohif,
)


def create_app(services: Services, token: str) -> FastAPI:
    """The HTTP application on these services, guarded by the token."""
    app = FastAPI(
        title="Airgate",
        version=VERSION,
        description="A standards-native AI gateway for medical imaging. Research use only.",
        docs_url=None,  # gateway/routers/api_docs.py
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.services = services
    add_handlers(app)
    for module in ROUTERS:
        app.include_router(module.router)
    app.add_middleware(AuthMiddleware, token=token, public_url=services.settings.public_url)
    return app

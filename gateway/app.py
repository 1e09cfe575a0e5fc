"""create_app: where routers, errors and sign-in meet."""

from functools import partial

from fastapi import Depends, FastAPI

from gateway.access import staff_only
from gateway.at_hand import AtHandMiddleware
from gateway.auth import AuthMiddleware
from gateway.capabilities.openapi import described
from gateway.cross_origin import CrossOriginMiddleware
from gateway.equipment import VERSION
from gateway.feed import Feed
from gateway.middleware import add_http_middleware
from gateway.problems import add_handlers
from gateway.retrieve.retrieval import Retrieval
from gateway.routers import (
    air,
    api_docs,
    batches,
    capabilities,
    console,
    console_batches,
    console_comparison,
    console_models,
    console_rules,
    deletion,
    events,
    expected,
    fhir,
    health,
    metadata,
    model_comparison,
    model_stages,
    model_tries,
    models,
    ohif,
    quarantine,
    rendered,
    retrieve,
    rules,
    search,
    session,
    store,
    studies,
    subscribers,
    tokens,
    workitems,
    worklist,
)
from gateway.services import Services
from gateway.tokens import Tokens
from gateway.ups.channel import Channels

# OHIF's router comes last: it answers whatever no other path does.
ROUTERS = (
    health,
    session,
    console,
    console_batches,
    console_comparison,  # before the models, as that of the API
    console_models,
    console_rules,
    store,
    search,
    retrieve,
    metadata,
    rendered,
    deletion,
    capabilities,
    worklist,
    subscribers,
    workitems,
    air,
    fhir,
    model_comparison,  # before models, where any other word is a version
    models,
    model_stages,
    model_tries,
    rules,
    studies,
    expected,
    events,
    quarantine,
    batches,
    tokens,
    api_docs,
    ohif,
)
# What a token of one patient reaches: these bind their answers to that patient, or hold no data.
OPEN_TO_PATIENTS = (
    health,
    session,
    search,
    retrieve,
    metadata,
    rendered,
    capabilities,
    events,
    ohif,
)
LARGEST_BODY = 1 << 20  # bytes of a request body that is read whole: JSON, forms
STREAMING = (store, models, batches)  # these read theirs piece by piece, within limits of their own


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
    app.state.feed = Feed(services.database)
    app.state.channels = Channels(services.database)
    app.state.retrieval = Retrieval.of(services.database, services.archive, services.settings)
    add_handlers(app)
    for module in ROUTERS:
        guard = [] if module in OPEN_TO_PATIENTS else [Depends(staff_only)]
        largest = None if module in STREAMING else LARGEST_BODY
        app.include_router(module.router, dependencies=guard, max_body_size=largest)
    app.add_middleware(AtHandMiddleware)
    add_http_middleware(app, services.settings)
    app.add_middleware(
        AuthMiddleware,
        token=token,
        tokens=Tokens(services.database),
        public_url=services.settings.public_url,
    )
    if services.settings.allowed_origins:  # before sign-in: a preflight carries no token
        app.add_middleware(CrossOriginMiddleware, origins=services.settings.allowed_origins)
    app.openapi = partial(described, app)  # FastAPI's own way to say more than routes tell
    return app

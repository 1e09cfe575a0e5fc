"""What every request and answer passes: patience with bodies, HEAD, caching, content codings."""

from fastapi import FastAPI

from gateway.caching import CachingMiddleware
from gateway.capabilities.allow import AllowMiddleware
from gateway.content_coding import ContentCodingMiddleware
from gateway.head import HeadMiddleware
from gateway.patience import PatienceMiddleware
from gateway.settings import Settings


def add_http_middleware(app: FastAPI, settings: Settings) -> None:
    """To be called before sign-in is added, so that a refused request costs nothing of this."""
    app.add_middleware(PatienceMiddleware, seconds=settings.body_seconds)
    app.add_middleware(AllowMiddleware)
    app.add_middleware(ContentCodingMiddleware)
    app.add_middleware(CachingMiddleware, public_url=settings.public_url)
    app.add_middleware(HeadMiddleware)

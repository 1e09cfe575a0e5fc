"""The body of a request that registers a model, received to disk and checked (docs/models.md)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import NamedTemporaryFile

from anyio import to_thread
from fastapi import Request
from python_multipart.multipart import parse_options_header

from ai_models.card import ModelCard
from gateway.errors import GatewayError
from gateway.models.digests import BodyDigests
from gateway.models.upload_bodies import (
    LARGEST_CARD,
    Archive,
    Form,
    TooLarge,
    Upload,
    Writer,
    read_card,
)
from gateway.settings import Settings

CARD, FORM = "application/json", "multipart/form-data"
ARCHIVES = (
    "application/zip",
    "application/x-zip-compressed",
    "application/gzip",
    "application/x-gzip",
)
_FORM_OVERHEAD = 1 << 16  # bytes of a form around its card and file


class UnsupportedBody(GatewayError):
    status = 415

    def __init__(self, found: str) -> None:
        super().__init__(
            f"the request body is {found[:80] or 'of no type'!r}; expected {CARD} with a model "
            "card, application/zip or application/gzip (tar) with card.toml and all it needs, or "
            f"{FORM} with the fields `card` and `file`"
        )


def media_type_of(request: Request) -> str:
    """Raises UnsupportedBody for a body that registers nothing, or is coded."""
    found = parse_options_header(request.headers.get("content-type"))[0].decode("latin-1")
    coding = request.headers.get("content-encoding", "identity")
    if found not in (CARD, FORM, *ARCHIVES) or coding != "identity":
        raise UnsupportedBody(found if coding == "identity" else f"{found} in {coding}")
    return found


async def received_card(request: Request) -> ModelCard:
    """Raises TooLarge, Unprocessable."""
    _check_length(request, "card", LARGEST_CARD)
    digests, body = BodyDigests(request.headers), bytearray()
    async for piece in request.stream():
        digests.take(piece)
        body += piece
        if len(body) > LARGEST_CARD:
            raise TooLarge("card", LARGEST_CARD)
    digests.check()
    return read_card(bytes(body))


@asynccontextmanager
async def received(
    request: Request, settings: Settings, sha256: str | None
) -> AsyncIterator[Upload]:
    """An archive, or the card and the file of a form, its digests checked.

    The file is there while the block runs. sha256: what it shall have, in hexadecimal.
    Raises TooLarge, NoRoom, BadDigest, DigestDiffers, Unprocessable, and MalformedMultipart.
    """
    limit = settings.maximum_artefact_mb << 20
    _check_length(request, "artefact", limit + LARGEST_CARD + _FORM_OVERHEAD)
    digests = BodyDigests(request.headers)
    settings.spool.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=settings.spool, suffix=".artefact") as file:
        writer = Writer(file, limit)
        body = _body(request, writer)
        async for piece in request.stream():
            digests.take(piece)
            await to_thread.run_sync(body.take, piece)
        digests.check()
        upload = body.finish()
        writer.check(sha256)
        yield upload


def _check_length(request: Request, what: str, limit: int) -> None:
    """Before a byte of the body is asked for."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise TooLarge(what, limit)


def _body(request: Request, writer: Writer) -> Archive | Form:
    found, parameters = parse_options_header(request.headers.get("content-type"))
    if found.decode("latin-1") == FORM:
        return Form(writer, parameters.get(b"boundary", b"").decode("latin-1"))
    return Archive(writer)

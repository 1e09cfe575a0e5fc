"""Bodies in pieces sent as fast as they are read, without a change of thread for each piece."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping

import anyio
from anyio import to_thread
from starlette.responses import StreamingResponse
from starlette.types import Send

BATCH = 2 << 20  # bytes that are read in one go in a thread, while those before them are sent


class Streamed(StreamingResponse):
    """pieces: read in threads, never by two at a time, and closed when the client goes away.

    Starlette changes threads for every piece, and reads none while one is sent: 500 CT slices took
    250 ms longer so.
    """

    def __init__(
        self, pieces: Iterable[bytes], status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self._batches = _batches(iter(pieces))
        super().__init__(self._batches, status, headers)

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._batches.aclose()


async def _batches(pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    coming = _read(pieces)
    try:
        while batch := await coming:
            coming = _read(pieces)
            for piece in batch:
                yield piece
    finally:
        await asyncio.wait([coming])  # the client may have gone while it was being read
        if not coming.cancelled():
            coming.exception()  # looked at, so that nothing is logged of it
        close = getattr(pieces, "close", None)  # only generators have one
        if close is not None:
            await to_thread.run_sync(close)


def _read(pieces: Iterator[bytes]) -> asyncio.Future[list[bytes]]:
    return asyncio.ensure_future(to_thread.run_sync(_batch, pieces))


def _batch(pieces: Iterator[bytes]) -> list[bytes]:
    found: list[bytes] = []
    size = 0
    for piece in pieces:
        if piece:
            found.append(piece)
            size += len(piece)
            if size >= BATCH:
                break
    return found

"""HTTP/1.1 as uvicorn speaks it, with a limit on what is neither body nor ever ends."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class LimitedHttp(HttpToolsProtocol):
    """Ends a connection whose request head, trailers or chunk extensions do not end.

    The parser itself would keep all of them, and takes ever longer. A head is answered 431.
    """

    largest_head = 256 << 10  # bytes

    _pending = 0  # bytes received since a head ended, or a piece of a body came
    _in_head = False

    def data_received(self, data: bytes) -> None:
        self._pending += len(data)
        super().data_received(data)
        if self._pending > self.largest_head and not self.transport.is_closing():
            if self._in_head:
                self.transport.write(_too_large(self.largest_head))
            self.transport.close()

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head, self._pending = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._pending = 0
        super().on_message_complete()


def limited_http(largest_head: int) -> type[LimitedHttp]:
    """What uvicorn is given as its `http`. largest_head: bytes of request line and headers."""
    return type("LimitedHttp", (LimitedHttp,), {"largest_head": largest_head})


def _too_large(limit: int) -> bytes:
    told = f"the request line and headers are larger than {limit} bytes"
    return (
        "HTTP/1.1 431 Request Header Fields Too Large\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(told)}\r\nConnection: close\r\n\r\n{told}"
    ).encode()

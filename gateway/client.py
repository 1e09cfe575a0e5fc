"""An HTTP client of a running gateway, for the command line."""

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from gateway.auth import load_or_make_token
from gateway.errors import GatewayError
from gateway.settings import Settings

STORE_SECONDS = 600.0


class NoGateway(GatewayError):
    def __init__(self, url: str, found: str) -> None:
        self.url, self.found = url, found
        super().__init__(f"no gateway answers at {url}: {found}; start one with `airgate serve`")


class Refused(GatewayError):
    def __init__(self, url: str, status: int, detail: str) -> None:
        self.url, self.status, self.detail = url, status, detail
        super().__init__(f"{url} answered {status}: {detail}")


class Client:
    """Speaks to the gateway of these settings with its administrator token."""

    def __init__(self, settings: Settings) -> None:
        self.url = f"http://{settings.http}"
        token = load_or_make_token(settings)
        self._http = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=60
        )

    def get(self, path: str, **keywords: Any) -> httpx.Response:
        """Raises NoGateway, and Refused for a status that is no success."""
        return self._request("GET", path, **keywords)

    def json(self, path: str) -> Any:
        return self.get(path).json()

    def post(self, path: str, content: bytes, media_type: str) -> Any:
        return self.send(path, content, media_type).json()

    def send(self, path: str, content: bytes, media_type: str) -> httpx.Response:
        return self._change("POST", path, content, media_type)

    def order(self, path: str) -> Any:
        """A change that needs no words."""
        return self._request("POST", path).json()

    def delete(self, path: str) -> None:
        self._request("DELETE", path)

    def put(self, path: str, content: bytes, media_type: str) -> Any:
        return self._change("PUT", path, content, media_type).json()

    def upload(self, path: str, query: dict[str, str], **body: Any) -> Any:
        """POST what may be long and is streamed. body: keywords of httpx, files opened."""
        return self._request("POST", path, params=query, timeout=STORE_SECONDS, **body).json()

    def store(self, files: Sequence[Path]) -> tuple[int, dict[str, Any]]:
        """STOW-RS the files in one request, streamed; status and response dataset (PS3.18 10.5)."""
        boundary = uuid.uuid4().hex
        reply = self._send(
            "POST",
            "/dicom-web/studies",
            content=multipart(files, boundary),
            headers={
                "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
                "Accept": "application/dicom+json",
            },
            timeout=STORE_SECONDS,
        )
        if reply.status_code not in (200, 202, 409):
            raise Refused("/dicom-web/studies", reply.status_code, _detail(reply))
        return reply.status_code, reply.json()

    def _change(self, method: str, path: str, content: bytes, media_type: str) -> httpx.Response:
        headers = {"Content-Type": media_type}
        return self._request(method, path, content=content, headers=headers, timeout=STORE_SECONDS)

    def _request(self, method: str, path: str, **keywords: Any) -> httpx.Response:
        reply = self._send(method, path, **keywords)
        if reply.is_error:
            raise Refused(path, reply.status_code, _detail(reply))
        return reply

    def _send(self, method: str, path: str, **keywords: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **keywords)
        except httpx.TransportError as error:
            raise NoGateway(self.url, str(error) or type(error).__name__) from error


def multipart(files: Sequence[Path], boundary: str) -> Iterator[bytes]:
    for path in files:
        yield f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        yield path.read_bytes()
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _detail(reply: httpx.Response) -> str:
    try:
        return str(reply.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return reply.reason_phrase


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files named, and the DICOM files below the folders named, in a stable order."""
    found: list[Path] = []
    for path in paths:
        found += (
            sorted(one for one in path.rglob("*") if _is_dicom(one)) if path.is_dir() else [path]
        )
    return found


def _is_dicom(path: Path) -> bool:
    """Whether it is a file with the prefix of PS3.10 7.1."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"

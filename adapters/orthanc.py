"""Orthanc as the archive, through its native REST API."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from orthanc_api_client import OrthancApiClient
from orthanc_api_client import exceptions as orthanc_errors

from adapters.archive import CHUNK
from adapters.errors import (
    ArchiveConflict,
    ArchiveFull,
    ArchiveRefused,
    ArchiveUnavailable,
    NotInArchive,
)

_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")
_TIMEOUT = httpx.Timeout(60, connect=5)
_FULL_STORAGE = {14, 19}  # Orthanc's codes: cannot write to file, the file storage is full
# A connection that Orthanc closed while it lay idle; a POST of the same instance may be repeated.
_STALE = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class OrthancArchive:
    """Keys are Orthanc's instance ids, which follow from patient, study, series and SOP UID.

    url: with user and password in it when Orthanc asks for them. Safe to use from many threads.
    """

    def __init__(self, url: str) -> None:
        parsed = httpx.URL(url)
        self._credentials = (parsed.username, parsed.password)
        bare = parsed.copy_with(username=None, password=None)
        self._url = str(bare).rstrip("/") + "/"
        self._client = httpx.Client(
            base_url=self._url,
            auth=self._credentials if parsed.username else None,
            headers={"Accept-Encoding": "identity"},  # Orthanc's gzip costs fifty times the time
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=8),
        )

    def store(self, content: bytes | Path) -> str:
        reply = self._post(content)
        if reply.status_code != 200:
            raise self._refusal(reply)
        answer = reply.json()
        key, status = answer["ID"], answer["Status"]
        if status == "AlreadyStored":
            if not self._holds(key, content):
                raise ArchiveConflict(key)
        elif status != "Success":
            raise ArchiveRefused(f"Orthanc answered {status!r}; see its filters and log")
        return key

    def read(self, key: str) -> bytes:
        with self._clear_errors():
            reply = self._client.get(self._path(key, "/file"))
        self._check(reply, key)
        return reply.content

    def stream(self, key: str) -> Iterator[bytes]:
        with self._clear_errors(), self._client.stream("GET", self._path(key, "/file")) as reply:
            if reply.status_code != 200:
                reply.read()
            self._check(reply, key)
            yield from reply.iter_bytes(CHUNK)

    def delete(self, key: str) -> None:
        with self._clear_errors():
            reply = self._client.delete(self._path(key))
        if reply.status_code != 404:
            self._check(reply, key)

    def check(self) -> str:
        user, password = self._credentials
        client = OrthancApiClient(
            self._url,
            user=user or None,
            pwd=password or None,
            headers={"Accept-Encoding": "identity"},
        )
        try:
            system: Any = client.get_system()
        except orthanc_errors.NotAuthorized as error:
            raise ArchiveUnavailable(self._where, "it refuses the credentials") from error
        except orthanc_errors.OrthancApiException as error:
            raise ArchiveUnavailable(self._where, _said(error)) from error
        return f"Orthanc {system.get('Version', 'of unknown version')} at {self._where}"

    @property
    def _where(self) -> str:
        return self._url.rstrip("/")

    def _post(self, content: bytes | Path) -> httpx.Response:
        with self._clear_errors():
            try:
                return self._send(content)
            except _STALE:
                return self._send(content)

    def _send(self, content: bytes | Path) -> httpx.Response:
        headers = {"Content-Type": "application/dicom"}
        if isinstance(content, bytes):
            return self._client.post("instances", content=content, headers=headers)
        headers["Content-Length"] = str(content.stat().st_size)
        return self._client.post("instances", content=_chunks(content), headers=headers)

    def _holds(self, key: str, content: bytes | Path) -> bool:
        """Whether Orthanc has exactly these bytes under the key."""
        if isinstance(content, bytes):
            return self.read(key) == content
        with content.open("rb") as file:
            same = all(chunk == file.read(len(chunk)) for chunk in self.stream(key))
            return same and not file.read(1)

    def _path(self, key: str, rest: str = "") -> str:
        if not _KEY.fullmatch(key):  # a key of another archive, or a path that would lead astray
            raise NotInArchive(key)
        return f"instances/{key}{rest}"

    def _check(self, reply: httpx.Response, key: str) -> None:
        if reply.status_code == 404:
            raise NotInArchive(key)
        if reply.status_code != 200:
            raise self._refusal(reply)

    def _refusal(self, reply: httpx.Response) -> Exception:
        """What Orthanc's error answer means for whoever called."""
        answer = _orthanc_error(reply)
        code, told = answer.get("OrthancStatus"), answer.get("OrthancError", "no reason given")
        if reply.status_code == 507 or code in _FULL_STORAGE:
            return ArchiveFull(self._where, f"Orthanc: {told}")
        if reply.status_code in (401, 403):
            return ArchiveUnavailable(
                self._where, "it refuses the credentials; put user:password@ into AIRGATE_ARCHIVE"
            )
        if reply.status_code in (400, 409, 413, 415, 422):
            return ArchiveRefused(f"Orthanc: {told} (HTTP {reply.status_code})")
        return ArchiveUnavailable(self._where, f"HTTP {reply.status_code}, {told}")

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            told = str(error) or type(error).__name__
            raise ArchiveUnavailable(self._where, told) from error


def _orthanc_error(reply: httpx.Response) -> dict[str, Any]:
    try:
        answer = json.loads(reply.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _said(error: Exception) -> str:
    return f"{type(error).__name__} {getattr(error, 'msg', '') or ''}".strip()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk

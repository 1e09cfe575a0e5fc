"""Orthanc as the archive, through its native REST API."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from orthanc_api_client import OrthancApiClient
from orthanc_api_client import exceptions as orthanc_errors

from adapters.archive import CHUNK, Held, Stored
from adapters.errors import (
    ArchiveConflict,
    ArchiveFull,
    ArchiveRefused,
    ArchiveUnavailable,
    NotInArchive,
)
from adapters.orthanc_files import BROKEN, FileConnections, Reply, pieces

_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")
_KEYS_AT_ONCE = 10_000  # of a listing: 10 ms
_TIMEOUT = httpx.Timeout(60, connect=5)
_FULL_STORAGE = {14, 19}  # Orthanc's codes: cannot write to file, the file storage is full
# A connection that Orthanc closed while it lay idle; a POST of the same instance may be repeated.
_STALE = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class OrthancArchive:
    """Keys are Orthanc's instance ids, which follow from patient, study, series and SOP UID.

    url: with user and password in it when Orthanc asks for them. Safe to use from many threads.
    """

    def __init__(self, url: str, *, shared: bool = False) -> None:
        self.shared = shared
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
        self._files = FileConnections(self._url, *self._credentials)

    def store(self, content: bytes | Path) -> Stored:
        with self._clear_errors(BROKEN):
            reply = self._files.post("instances", content)
        if reply.status_code != 200:
            raise self._refusal(reply)
        answer = json.loads(reply.content)
        key, status = answer["ID"], answer["Status"]
        if status == "AlreadyStored":
            if not self._holds(key, content):
                raise ArchiveConflict(key)
        elif status != "Success":
            raise ArchiveRefused(f"Orthanc answered {status!r}; see its filters and log")
        return Stored(key, new=status == "Success")

    def read(self, key: str) -> bytes:
        with self._clear_errors(BROKEN), self._files.get(self._path(key, "/file")) as reply:
            content = reply.read()
        self._check(Reply(reply.status, content), key)
        return content

    def stream(self, key: str) -> Iterator[bytes]:
        with self._clear_errors(BROKEN), self._files.get(self._path(key, "/file")) as reply:
            if reply.status != 200:
                self._check(Reply(reply.status, reply.read()), key)
            yield from pieces(reply, CHUNK)

    def delete(self, key: str) -> None:
        with self._clear_errors():
            reply = self._client.delete(self._path(key))
        if reply.status_code != 404:
            self._check(reply, key)

    def listing(self) -> Iterator[Sequence[str]]:
        since = 0
        while page := self.ask("instances", since=since, limit=_KEYS_AT_ONCE):
            yield page
            since += len(page)

    def held(self, keys: Sequence[str]) -> list[Held]:
        known = [key for key in keys if _KEY.fullmatch(key)]
        return [held_by_orthanc(one) for one in self.explored(known, "Instance")]

    def explored(self, resources: Sequence[str], level: str) -> list[dict[str, Any]]:
        """What Orthanc knows at one level (Study, Series, Instance) of these resources, each once.

        From a study down to its instances, or from instances up to their study. Those that are
        not there are left out. (Orthanc 1.10 or newer.)
        """
        if not resources:
            return []
        order = {"Resources": list(resources), "Level": level, "Metadata": True}
        return self.ask("tools/bulk-content", order)

    def ask(self, path: str, order: object = None, **parameters: int) -> Any:
        """The JSON answer to a question: GET, or POST where an order goes with it.

        Raises ArchiveUnavailable.
        """
        if order is None:
            return self._answer("GET", path, params=parameters).json()
        return self._answer("POST", path, json=order).json()

    def clock(self) -> float:
        """Orthanc's time, seconds since the epoch, whole ones."""
        return orthanc_time(self._answer("GET", "tools/now").text)

    def _answer(self, method: str, path: str, **what: Any) -> httpx.Response:
        with self._clear_errors():
            try:
                reply = self._client.request(method, path, **what)
            except _STALE:  # these questions change nothing
                reply = self._client.request(method, path, **what)
        if reply.status_code == 404:
            found = f"it does not know /{path}; it must be Orthanc 1.10 or newer"
            raise ArchiveUnavailable(self._where, found)
        if reply.status_code != 200:
            raise self._refusal(reply)
        return reply

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

    def _check(self, reply: httpx.Response | Reply, key: str) -> None:
        if reply.status_code == 404:
            raise NotInArchive(key)
        if reply.status_code != 200:
            raise self._refusal(reply)

    def _refusal(self, reply: httpx.Response | Reply) -> Exception:
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
    def _clear_errors(
        self, failures: tuple[type[Exception], ...] = (httpx.TransportError,)
    ) -> Iterator[None]:
        try:
            yield
        except failures as error:
            told = str(error) or type(error).__name__
            raise ArchiveUnavailable(self._where, told) from error


def held_by_orthanc(instance: dict[str, Any]) -> Held:
    """One instance of Orthanc, as `explored` gives it."""
    metadata = instance.get("Metadata", {})
    by_dicom = metadata.get("Origin") == "DicomProtocol"
    return Held(
        instance["ID"],
        int(instance["FileSize"]),
        orthanc_time(metadata["ReceptionDate"]) if "ReceptionDate" in metadata else 0.0,
        "C-STORE" if by_dicom else "",
        metadata.get("RemoteAET", ""),
        metadata.get("CalledAET", ""),
        instance["ParentSeries"],
    )


def orthanc_time(text: str) -> float:
    """Seconds since the epoch of Orthanc's UTC times, such as 20261120T220336."""
    return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()


def _orthanc_error(reply: httpx.Response | Reply) -> dict[str, Any]:
    try:
        answer = json.loads(reply.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _said(error: Exception) -> str:
    return f"{type(error).__name__} {getattr(error, 'msg', '') or ''}".strip()

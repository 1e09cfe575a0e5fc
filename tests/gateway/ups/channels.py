"""The event channel of an AE, as a client of UPS-RS opens it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.gateway.ups.example import Worklist

Json = dict[str, Any]
STATE_REPORT, CANCEL_REQUESTED, PROGRESS_REPORT, STATUS_CHANGE, ASSIGNED = 1, 2, 3, 4, 5


class Channel:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def next(self, seconds: float = 10) -> Json:
        """One report; it comes as one data set in one text frame."""
        frame = self.socket.recv(timeout=seconds)
        assert isinstance(frame, str)
        report = json.loads(frame)
        assert list(report) == sorted(report)
        assert report["00000002"] == {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.34.6.4"]}
        assert report["00000110"]["vr"] == "US"
        return report

    def told(self, count: int) -> list[tuple[int, str, str]]:
        """Event type, workitem, and state or percentage of the next reports."""
        return [brief(self.next()) for _ in range(count)]

    def is_silent(self, seconds: float = 0.6) -> bool:
        try:
            self.socket.recv(timeout=seconds)
        except TimeoutError:
            return True
        return False


def brief(report: Json) -> tuple[int, str, str]:
    event, uid = report["00001002"]["Value"][0], report["00001000"]["Value"][0]
    if event == STATE_REPORT:
        return event, uid, report["00741000"]["Value"][0]
    if event == PROGRESS_REPORT:
        return event, uid, str(report["00741002"]["Value"][0]["00741004"]["Value"][0])
    return event, uid, ""


@contextmanager
def channel(ups: Worklist, aet: str, **headers: str) -> Iterator[Channel]:
    headers = headers or {"Authorization": f"Bearer {ups.token}"}
    url = f"{ups.root.replace('http', 'ws', 1)}/dicom-web/subscribers/{aet}"
    with connect(url, additional_headers=headers, proxy=None) as socket:
        yield Channel(socket)


def subscribe(ups: Worklist, uid: str, aet: str, query: str = "") -> Any:
    return ups.http.post(f"/workitems/{uid}/subscribers/{aet}{query}")

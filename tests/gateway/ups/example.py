"""A worklist over real HTTP, and data sets as a performer outside sends them."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from gateway.app import create_app
from gateway.services import Services
from tests.serving import served

TOKEN = "a-token-for-tests"
JSON = "application/dicom+json"
SCHEDULED, IN_PROGRESS, COMPLETED, CANCELED = "SCHEDULED", "IN PROGRESS", "COMPLETED", "CANCELED"
WORKLIST, FILTERED = "1.2.840.10008.5.1.4.34.5", "1.2.840.10008.5.1.4.34.5.1"
STATE, TRANSACTION, PRIORITY = "00741000", "00081195", "00741200"

Json = dict[str, Any]


def element(vr: str, *values: Any) -> Json:
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def code(value: str, meaning: str = "something") -> Json:
    return {
        "00080100": element("SH", value),
        "00080102": element("SH", "99TEST"),
        "00080104": element("LO", meaning),
    }


def order(changes: Mapping[str, Json | None] | None = None) -> Json:
    """A data set that N-CREATE takes as it is; a change to None takes an attribute out."""
    empty = (
        ("SQ", "00741210 00404026 00404027 00404021 00101002 00380014 00081084 0040A370 00100024"),
        ("LO", "00100021 00380010 00081080"),
        ("LT", "00400400"),
        ("SQ", "00741002 00741216"),
        ("DA", "00100030"),
    )
    step: dict[str, Json | None] = {tag: element(vr) for vr, tags in empty for tag in tags.split()}
    step |= {
        PRIORITY: element("CS", "MEDIUM"),
        "00741204": element("LO", "Find nodules"),
        "00741202": element("LO", "LUNGS"),
        "00404005": element("DT", "20260101120000"),
        "00404041": element("CS", "READY"),
        "00404018": element("SQ", code("nodules")),
        "00404025": element("SQ", code("STATION")),
        STATE: element("CS", SCHEDULED),
        "00100010": element("PN", {"Alphabetic": "Doe^Jane"}),
        "00100020": element("LO", "P7"),
        "00100040": element("CS", "F"),
        **(changes or {}),
    }
    return {tag: value for tag, value in sorted(step.items()) if value is not None}


def performed(outputs: bool = True) -> Json:
    """What has to be known of a workitem before it is COMPLETED."""
    item = {
        "00404028": element("SQ", code("STATION")),
        "00404019": element("SQ", code("nodules")),
        "00404050": element("DT", "20260101120100"),
        "00404051": element("DT", "20260101120200"),
    }
    if outputs:
        reference = {"00081150": element("UI", "1.2.840.10008.5.1.4.1.1.88.34")}
        reference["00081155"] = element("UI", "1.2.3.4.5")
        item["00404033"] = element(
            "SQ",
            {
                "0040E020": element("CS", "DICOM"),
                "0020000D": element("UI", "1.2.3"),
                "0020000E": element("UI", "1.2.3.4"),
                "00081199": element("SQ", reference),
            },
        )
    return {"00741216": element("SQ", item)}


def progress(percent: str) -> Json:
    return {"00741002": element("SQ", {"00741004": element("DS", percent)})}


def new_uid() -> str:
    return f"2.25.{uuid.uuid4().int}"


class Worklist:
    """The gateway's workitems, as an HTTP client sees them."""

    def __init__(self, root: str, token: str = TOKEN) -> None:
        self.root, self.token = root, token
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=f"{root}/dicom-web", headers=headers, timeout=60)

    def send(
        self, method: str, path: str, data_set: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        content = None if data_set is None else json.dumps([data_set]).encode()
        return self.http.request(
            method, path, content=content, headers={"Content-Type": JSON, **headers}
        )

    def create(self, changes: Mapping[str, Json | None] | None = None) -> str:
        uid = new_uid()
        reply = self.send("POST", f"/workitems?{uid}", order(changes))
        assert reply.status_code == 201, reply.text
        return uid

    def change(self, uid: str, state: str, transaction: str | None) -> httpx.Response:
        payload = {STATE: element("CS", state)}
        if transaction is not None:
            payload[TRANSACTION] = element("UI", transaction)
        return self.send("PUT", f"/workitems/{uid}/state", payload)

    def claim(self, uid: str) -> str:
        transaction = new_uid()
        assert self.change(uid, IN_PROGRESS, transaction).status_code == 200
        return transaction

    def update(self, uid: str, transaction: str, changes: Json) -> httpx.Response:
        query = f"?{transaction}" if transaction else ""
        return self.send("POST", f"/workitems/{uid}{query}", changes)

    def completed(self, changes: Mapping[str, Json | None] | None = None) -> str:
        uid = self.create(changes)
        transaction = self.claim(uid)
        assert self.update(uid, transaction, performed()).status_code == 200
        assert self.change(uid, COMPLETED, transaction).status_code == 200
        return uid

    def step(self, uid: str) -> Json:
        (step,) = self.http.get(f"/workitems/{uid}").json()
        return step

    def state(self, uid: str) -> str:
        return self.step(uid)[STATE]["Value"][0]

    def found(self, query: str) -> list[str]:
        reply = self.http.get(f"/workitems?{query}")
        assert reply.status_code == 200, reply.text
        return [step["00080018"]["Value"][0] for step in reply.json()]


def warning(reply: httpx.Response) -> str:
    """The text of the Warning header, without code and agent."""
    code, _, rest = reply.headers.get("warning", "").partition(" ")
    assert code in ("", "299")
    return rest.partition("/dicom-web: ")[2]


@contextmanager
def worklist(services: Services) -> Iterator[Worklist]:
    with served(create_app(services, TOKEN)) as root:
        yield Worklist(root)

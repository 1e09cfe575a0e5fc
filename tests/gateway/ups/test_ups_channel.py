"""The WebSocket of an AE: event reports as they happen, in whichever process (SC-50)."""

import json
import socket
import time

import pytest
from sqlalchemy import func, select
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.access import Role
from gateway.store.tables import NotificationRow
from gateway.tokens import Tokens
from gateway.ups.channel import AT_ONCE, GOING_DOWN, NOT_ADMITTED, REPLACED
from gateway.ups.notifications import notify
from tests.gateway.ups.channels import (
    PROGRESS_REPORT,
    STATE_REPORT,
    STATUS_CHANGE,
    brief,
    channel,
    subscribe,
)
from tests.gateway.ups.example import (
    COMPLETED,
    IN_PROGRESS,
    SCHEDULED,
    WORKLIST,
    Worklist,
    new_uid,
    performed,
    progress,
    worklist,
)
from tests.serving import Gateway, wait_until

QUIET = {"00404025": None}


def test_states_and_progress_come_as_one_data_set_in_each_text_frame_sc_50(ups):
    uid = ups.create(QUIET)
    with channel(ups, "FRAMES") as events:
        subscribe(ups, uid, "FRAMES")
        first = events.next()
        assert first["00741000"] == {"vr": "CS", "Value": [SCHEDULED]}
        assert first["00404041"] == {"vr": "CS", "Value": ["READY"]}
        assert first["00001000"]["Value"] == [uid]
        transaction = ups.claim(uid)
        ups.update(uid, transaction, progress("50"))
        ups.update(uid, transaction, performed())
        ups.change(uid, COMPLETED, transaction)
        assert events.told(3) == [
            (STATE_REPORT, uid, IN_PROGRESS),
            (PROGRESS_REPORT, uid, "50"),
            (STATE_REPORT, uid, COMPLETED),
        ]
        assert events.is_silent()


def test_who_comes_back_goes_on_where_it_was_sc_50(ups, parts):
    uid = ups.create(QUIET)
    with channel(ups, "AGAIN") as events:
        subscribe(ups, uid, "AGAIN")
        assert events.told(1) == [(STATE_REPORT, uid, SCHEDULED)]
        # Who leaves before the server has noted what it sent gets that once more.
        wait_until(lambda: not _left(parts, "AGAIN"), 10, lambda: "reports were not forgotten")
    transaction = ups.claim(uid)
    with channel(ups, "AGAIN") as events:
        assert events.told(1) == [(STATE_REPORT, uid, IN_PROGRESS)]
        ups.update(uid, transaction, progress("50"))
        assert events.told(1) == [(PROGRESS_REPORT, uid, "50")]


def test_of_two_channels_of_one_ae_the_later_one_is_served_sc_50(ups):
    """So that a client whose connection died unseen misses nothing."""
    uid = ups.create(QUIET)
    with channel(ups, "TWICE") as dead, channel(ups, "TWICE") as alive:
        with pytest.raises(ConnectionClosed):
            dead.next()
        assert dead.socket.close_code == REPLACED
        subscribe(ups, uid, "TWICE")
        assert alive.told(1) == [(STATE_REPORT, uid, SCHEDULED)]


def test_what_one_process_does_is_told_by_another_sc_50(ups, parts):
    """Two applications on one database, as several HTTP processes are."""
    with worklist(parts) as other, channel(other, "ELSEWHERE") as events:
        subscribe(other, WORKLIST, "ELSEWHERE")
        uid = ups.create(QUIET)
        assert events.told(1) == [(STATE_REPORT, uid, SCHEDULED)]
        ups.http.delete(f"/workitems/{WORKLIST}/subscribers/ELSEWHERE")


def test_nobody_opens_a_channel_without_a_token_of_the_staff_sc_50(ups, parts):
    _, of_patient = Tokens(parts.database).make("p", Role.PATIENT, "P7", None)
    for token in ("wrong", of_patient):
        with (
            pytest.raises(InvalidStatus) as refused,
            channel(ups, "STRANGER", Authorization=f"Bearer {token}"),
        ):
            pass
        assert refused.value.response.status_code == 403
    for name, headers in (("STRANGER", {"Origin": "http://evil.example"}), ("A%5CB", {})):
        with pytest.raises(InvalidStatus) as refused, channel(ups, name, **headers):
            pass
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_channel_ends_soon_after_its_token_sc_50(ups, parts, end):
    tokens = Tokens(parts.database)
    expires_at = time.time() + 2 if end == "expired" else None
    _, token = tokens.make(end, Role.USER, None, expires_at)
    with channel(ups, "ENDED", Authorization=f"Bearer {token}") as events:
        assert events.is_silent(0.2)
        if end == "revoked":
            tokens.revoke(end)
        with pytest.raises(ConnectionClosed):
            events.next()
        assert events.socket.close_code == NOT_ADMITTED == 1008
        assert events.socket.close_reason == "the token was revoked or has expired"


@pytest.mark.serve
def test_a_server_that_is_stopped_says_so_and_a_later_one_that_it_is_there_again(tmp_path):
    server = Gateway(tmp_path, archive="folder", workers="0")
    with server:
        ups = Worklist(server.url, server.token)
        with channel(ups, "WATCHER") as events, channel(ups, "STRANGER") as nobody:
            assert subscribe(ups, WORKLIST, "WATCHER").status_code == 201
            server.stop()
            report = events.next()
            assert brief(report) == (STATUS_CHANGE, WORKLIST, "")
            assert report["00741242"] == {"vr": "CS", "Value": ["GOING DOWN"]}
            for one in (events, nobody):
                with pytest.raises(ConnectionClosed):
                    one.next()
                assert one.socket.close_code == GOING_DOWN == 1001
        with server, channel(ups, "WATCHER") as events:
            assert events.next()["00741242"]["Value"] == ["RESTARTED"]
            assert events.is_silent()


def test_a_client_that_says_things_is_listened_to_and_not_minded_sc_50(ups):
    uid = ups.create(QUIET)
    with channel(ups, "TALKER") as events:
        for said in ("hello", b"\x00", json.dumps([])):
            events.socket.send(said)
        subscribe(ups, uid, "TALKER")
        assert events.told(1) == [(STATE_REPORT, uid, SCHEDULED)]


def test_many_reports_come_in_order_and_none_twice_sc_50(ups, parts):
    uids = [new_uid() for _ in range(3 * AT_ONCE)]
    with parts.database.write() as session:
        notify(session, ["MANY"], [_report(uid) for uid in uids])
    with channel(ups, "MANY") as events:
        found = [events.next() for _ in uids]
        assert [one["00001000"]["Value"][0] for one in found] == uids
        assert [one["00000110"]["Value"][0] for one in found] == list(range(1, len(uids) + 1))
        assert events.is_silent()


def test_a_client_that_does_not_read_leaves_the_reports_in_the_database_sc_50(ups, parts):
    """Not in the server's memory, however many there are."""
    count, padding = 3000, "x" * 2000
    with parts.database.write() as session:
        notify(session, ["SLOW"], [_report(new_uid(), padding) for _ in range(count)])
    url = ups.root.removeprefix("http://")
    host, port = url.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(
            f"GET /dicom-web/subscribers/SLOW HTTP/1.1\r\nHost: {url}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nAuthorization: Bearer {ups.token}"
            "\r\n\r\n".encode()
        )
        assert b"101" in connection.recv(64)
        left = _left(parts, "SLOW")
        while (now := _left(parts, "SLOW", after=1.0)) < left:
            left = now  # what the buffers of the operating system take
        assert count / 4 < left <= count
        assert ups.http.get("/workitems?limit=1").status_code == 200


def _left(parts, aet: str, after: float = 0.0) -> int:
    time.sleep(after)
    query = select(func.count()).select_from(NotificationRow).where(NotificationRow.aet == aet)
    with parts.database.read() as session:
        return session.scalar(query) or 0


def _report(uid: str, padding: str = "") -> dict:
    return {
        "00000002": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.34.6.4"]},
        "00001000": {"vr": "UI", "Value": [uid]},
        "00001002": {"vr": "US", "Value": [STATE_REPORT]},
        "00741238": {"vr": "LT", "Value": [padding]},
    }

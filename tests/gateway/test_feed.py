"""Events as they are committed, on both databases: nothing left out, nothing twice, whatever order
transactions end in; over real HTTP, from one process to another.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy.orm import Session

from adapters.memory import MemoryArchive
from gateway import services
from gateway.access import Role
from gateway.app import create_app
from gateway.feed import Horizon
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.events import note
from gateway.store.tables import StudyRow
from gateway.tokens import REMEMBERED_SECONDS, Tokens
from tests.serving import served, wait_until

TOKEN = "a-token-for-tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
STUDY, OTHER = "1.2.3", "1.2.4"


@pytest.fixture
def app(database: Database, tmp_path: Path):
    settings = Settings(data=tmp_path, archive="folder", token=TOKEN)
    return create_app(services.build(settings, MemoryArchive(), database), TOKEN)


@pytest.fixture
def root(app) -> Iterator[str]:
    with served(app) as root:
        yield root
        app.state.feed.end()


def say(database: Database, number: int, study: str = STUDY) -> None:
    with database.write() as session:
        note(session, study, "step", {"name": f"{number}"})


class Listener:
    """Reads a stream in a thread; `seen` are the numbers that `say` said."""

    def __init__(self, url: str, **headers: str) -> None:
        self._url, self._headers = url, {**HEADERS, **headers}
        self.seen: list[int] = []
        self.last_id = ""
        self.head: httpx.Headers = httpx.Headers()
        self._stop = threading.Event()
        self.opened = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        with (
            httpx.Client(timeout=60) as client,
            client.stream("GET", self._url, headers=self._headers) as answer,
        ):
            assert answer.status_code == 200, answer.read()
            self.head = answer.headers
            self.opened.set()
            for line in answer.iter_lines():
                if self._stop.is_set():
                    return
                if line.startswith("id: "):
                    self.last_id = line.removeprefix("id: ")
                if line.startswith("data: "):
                    detail = json.loads(line.removeprefix("data: "))["detail"]
                    self.seen.append(int(detail["name"]))

    def await_(self, number: int) -> list[int]:
        wait_until(lambda: number in self.seen, 30, lambda: f"{number} not among {self.seen}")
        return self.seen

    def await_end(self) -> None:
        """Until the server has ended the stream."""
        self._thread.join(30)
        assert not self._thread.is_alive()

    def __enter__(self) -> "Listener":
        self._thread.start()
        assert self.opened.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()


@contextmanager
def listening(url: str, database: Database, **headers: str) -> Iterator[Listener]:
    """Ends by one more event, so that the reader looks up."""
    listener = Listener(url, **headers)
    with listener:
        yield listener
    say(database, -1)
    listener.await_end()


def test_events_come_as_they_are_committed_and_a_proxy_may_not_hold_them_back(root, database):
    say(database, 0)
    with listening(f"{root}/api/v1/events?after=0", database) as listener:
        assert listener.head["content-type"].startswith("text/event-stream")
        assert listener.head["x-accel-buffering"] == "no"
        assert "content-encoding" not in listener.head
        listener.await_(0)
        say(database, 1)
        say(database, 2, OTHER)
        assert listener.await_(2) == [0, 1, 2]


def test_a_study_has_a_stream_of_its_own(root, database):
    say(database, 0)
    with database.write() as session:  # gone, but its trace is not
        note(session, STUDY, "lost", {"name": "100"})
    with listening(f"{root}/api/v1/studies/{STUDY}/events?after=0", database) as listener:
        say(database, 1, OTHER)
        say(database, 2)
        assert listener.await_(2) == [0, 100, 2]


def test_whoever_comes_back_gets_what_he_missed_and_nothing_twice(root, database):
    with listening(f"{root}/api/v1/events?after=0", database) as listener:
        for number in range(5):
            say(database, number)
        listener.await_(4)
        last = listener.last_id
    for number in range(5, 300):
        say(database, number)
    with listening(f"{root}/api/v1/events", database, **{"Last-Event-ID": last}) as again:
        assert again.await_(299) == [-1, *range(5, 300)]


def test_two_that_commit_in_another_order_than_they_began_are_both_told(root, database):
    """On PostgreSQL the later one has the lower id; SQLite lets only one write at a time."""
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    with listening(f"{root}/api/v1/events?after=0", database) as listener:
        with Session(database.engine) as slow, slow.begin():
            note(slow, STUDY, "step", {"name": "1"})
            slow.flush()
            say(database, 2)
            time.sleep(1)  # several looks at the table, none of which may go past the gap
            assert listener.seen == []
        assert listener.await_(2) == [1, 2]


def test_a_transaction_that_is_rolled_back_holds_nobody_up(database):
    horizon = Horizon(database)
    with Session(database.engine) as session:
        note(session, STUDY, "step")
        session.flush()
        session.rollback()
    say(database, 1)
    settled = [horizon.look() for _ in range(3)]
    assert settled[-1] is not None
    assert settled[-1] >= 1


def test_the_stream_ends_when_the_server_stops(app, database):
    with served(app) as root:
        answer = threading.Thread(
            target=httpx.get, args=[f"{root}/api/v1/events"], kwargs={"headers": HEADERS}
        )
        answer.start()
        wait_until(lambda: app.state.feed._listeners == 1, 30, lambda: "nobody listens")
        app.state.feed.end()
        answer.join(30)
        assert not answer.is_alive()


def test_a_client_that_goes_is_let_go(app, root, database):
    with listening(f"{root}/api/v1/events", database):
        wait_until(lambda: app.state.feed._listeners == 1, 30, lambda: "nobody listens")
    wait_until(lambda: app.state.feed._listeners == 0, 30, lambda: "somebody listens still")


@pytest.mark.parametrize("header", ["x", "-1", "99999999999999"])
def test_an_unusable_last_event_id_is_refused(root, header):
    answer = httpx.get(f"{root}/api/v1/events", headers={**HEADERS, "Last-Event-ID": header})
    assert answer.status_code == 422


def test_unknown_studies_and_strangers_hear_nothing(root):
    assert httpx.get(f"{root}/api/v1/events").status_code == 401
    answer = httpx.get(f"{root}/api/v1/studies/9.9.9/events", headers=HEADERS)
    assert answer.status_code == 404


def test_a_patient_hears_of_the_own_studies_and_of_no_other(root, database):
    with database.write() as session:
        for study, patient in ((STUDY, "P1"), (OTHER, "P2")):
            times = {"created_at": 1.0, "updated_at": 1.0}
            session.add(
                StudyRow(study_instance_uid=study, patient_id=patient, attributes="{}", **times)
            )
        note(session, "1.2.5", "deleted")  # whose it was, nobody knows any more
    _, token = Tokens(database).make("p", Role.PATIENT, "P1", None)
    bearer = {"Authorization": f"Bearer {token}"}
    for path, status in (
        ("events", 403),
        (f"studies/{OTHER}/events?after=0", 404),
        ("studies/1.2.5/events?after=0", 404),
        (f"studies/{STUDY}/trace", 403),
    ):
        assert httpx.get(f"{root}/api/v1/{path}", headers=bearer).status_code == status, path
    url = f"{root}/api/v1/studies/{STUDY}/events?after=0"
    with listening(url, database, **bearer) as listener:
        say(database, 1, OTHER)
        say(database, 2)
        assert listener.await_(2) == [2]
        with database.write() as session:
            session.get_one(StudyRow, STUDY).patient_id = "P2"  # it was filed under the wrong one
        say(database, 3)
        listener.await_end()
    assert listener.seen == [2]


def test_a_stream_tells_nothing_more_once_its_token_is_revoked(root, database):
    tokens = Tokens(database)
    _, token = tokens.make("u", Role.USER, None, None)
    url = f"{root}/api/v1/events"
    with listening(url, database, Authorization=f"Bearer {token}") as listener:
        tokens.revoke("u")
        time.sleep(REMEMBERED_SECONDS)
        say(database, 1)
        listener.await_end()
    assert listener.seen == []

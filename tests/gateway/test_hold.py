"""Instances at hand: read once, in memory or a file, and gone when the index forgets them."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, update

from adapters.folder import FolderArchive
from adapters.memory import MemoryArchive
from gateway.part import spooled
from gateway.retrieve import hold as hold_module
from gateway.retrieve.disk_cache import DiskCache, NoRoom
from gateway.retrieve.hold import Hold
from gateway.retrieve.located import Located
from gateway.retrieve.recent import Recent
from gateway.store.tables import InstanceRow
from standards.frames import Span
from tests.gateway.index_helper import Gateway, written
from tests.gateway.retrieve_example import (
    FILES,
    OCTETS,
    PIXELS,
    UIDS,
    get,
    image,
    instance_url,
    parts_of,
)

SIDE, FRAMES = 128, 40


class CountingArchive(MemoryArchive):
    """Slow, and it knows what was read from it."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def read(self, key: str) -> bytes:
        self.reads.append(key)
        time.sleep(0.05)
        return super().read(key)


@pytest.fixture(scope="module")
def film() -> bytes:
    """40 frames, 1.3 MB."""
    value = np.random.default_rng(2).integers(0, 4096, (FRAMES, SIDE, SIDE), np.uint16).tobytes()
    return written(image("multi", FRAMES, Rows=SIDE, Columns=SIDE, PixelData=value))


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    monkeypatch.setattr(hold_module, "LARGE", 1 << 20)


def _located(archive, content: bytes, uid: str = "2.25.1", sha256: str = "a" * 64) -> Located:
    key = archive.store(content).key
    return Located("1.2", "1.2.3", uid, "1.2.840.10008.1.2.1", 1, key, len(content), sha256, 0.0)


def _hold(archive, folder: Path, memory: int = 64 << 20) -> Hold:
    return Hold(archive, DiskCache(folder / "cache", 1 << 30), memory)


@pytest.mark.parametrize("name", ["film", "explicit"])
def test_many_who_ask_at_once_are_served_by_one_reading(tmp_path, film, name):
    archive = CountingArchive()
    instance = _located(archive, film if name == "film" else FILES[name])
    hold = _hold(archive, tmp_path)
    with ThreadPoolExecutor(16) as threads:
        held = set(threads.map(lambda _: id(hold.of(instance)), range(64)))

    assert len(held) == 1
    assert archive.reads == [instance.archive_key]
    assert bytes(hold.of(instance).content) == archive.read(instance.archive_key)


def test_a_large_instance_is_read_once_even_by_the_next_server(tmp_path, film):
    archive = CountingArchive()
    instance = _located(archive, film)
    expected = _hold(archive, tmp_path).pixels(instance).stored(7)

    assert _hold(archive, tmp_path).pixels(instance).stored(7) == expected
    assert len(archive.reads) == 1


def test_a_large_instance_that_was_just_stored_is_at_hand_without_reading_it_again(
    tmp_path, film, monkeypatch
):
    monkeypatch.setattr("gateway.reception.LARGE", 1 << 20)
    gateway = Gateway(tmp_path)
    gateway.ingest.receive([spooled(gateway.settings.spool, iter([film]))])
    monkeypatch.setattr(gateway.archive, "read", None)
    monkeypatch.setattr(gateway.archive, "stream", None)
    with gateway.serving() as root:
        url = f"{instance_url(f'{root}/dicom-web', 'multi')}/frames/{FRAMES}"
        ((_, body),) = parts_of(get(url, OCTETS))

    assert body == film[-SIDE * SIDE * 2 :]
    assert list(gateway.settings.spool.iterdir()) == []
    gateway.close()


def test_what_the_index_refuses_is_not_left_at_hand(tmp_path, film, monkeypatch):
    monkeypatch.setattr("gateway.reception.LARGE", 1000)
    gateway = Gateway(tmp_path)
    gateway.store(film)
    other = written(image("multi", FRAMES, PixelData=bytes(len(film)), Rows=SIDE, Columns=SIDE))
    for content in (film, other, film[:-5000]):
        gateway.ingest.receive([spooled(gateway.settings.spool, iter([content]))])

    assert gateway.app.state.retrieval.hold._disk.all() == []
    assert list(gateway.settings.spool.iterdir()) == []
    gateway.close()


def test_large_instances_take_no_memory_of_their_size(tmp_path, film):
    archive = CountingArchive()
    hold = _hold(archive, tmp_path)
    instances = [_located(archive, film, f"2.25.{number}") for number in range(5)]
    for instance in instances:
        hold.pixels(instance)

    assert all(hold.at_hand(instance) for instance in instances)
    held = [hold.at_hand(instance) for instance in instances]
    assert all(one is not None and not isinstance(one.content, bytes) for one in held)


def test_the_folder_archive_lends_its_own_files(tmp_path, film):
    archive = FolderArchive(tmp_path / "archive")
    instance = _located(archive, film)
    hold = _hold(archive, tmp_path)

    assert bytes(hold.of(instance).content) == film
    assert not (tmp_path / "cache").exists()


def test_without_room_on_the_disk_a_large_instance_is_read_into_memory(tmp_path, film, monkeypatch):
    def full(*_: object) -> None:
        raise NoRoom("No space left on device")

    monkeypatch.setattr(DiskCache, "fill", full)
    archive = CountingArchive()
    assert _hold(archive, tmp_path).of(_located(archive, film)).content == film


def test_a_span_comes_without_waiting_from_memory_and_from_a_file_that_was_just_written(
    tmp_path, film
):
    archive = CountingArchive()
    hold = _hold(archive, tmp_path)
    for content, uid in ((film, "2.25.1"), (FILES["explicit"], "2.25.2")):
        held = hold.of(_located(archive, content, uid))
        found = held.at_once(Span(200, 50))
        assert found is None or bytes(found) == content[200:250]  # not every file system can tell
        assert held.at_once(Span(len(content) - 10, 20)) is None or uid == "2.25.2"


def test_the_least_recently_used_leave_memory():
    recent: Recent[str, int] = Recent(100)
    for key, weight in (("a", 40), ("b", 40)):
        recent.put(key, weight, weight)
    recent.get("a")
    recent.put("c", 30, 30)

    assert recent.keys() == ["a", "c"]
    assert recent.weight == 70
    recent.put("a", 1, 90)
    assert recent.keys() == ["a"]
    recent.put("d", 1, 101)
    assert recent.get("d") is None
    recent.remove(["a", "x"])
    assert recent.weight == 0


@pytest.fixture
def gateway(tmp_path, film):
    """One film and one slice, both at hand."""
    gateway = Gateway(tmp_path)
    gateway.store(film, FILES["explicit"])
    with gateway.serving() as root:
        gateway.urls = [  # type: ignore[attr-defined]
            f"{instance_url(f'{root}/dicom-web', name)}/frames/1" for name in ("multi", "explicit")
        ]
        for url in gateway.urls * 2:
            assert len(parts_of(get(url, OCTETS))) == 1
        assert [uid for uid, _ in gateway.app.state.retrieval.hold._disk.all()] == [UIDS["multi"]]
        yield gateway
    gateway.close()


def test_what_another_process_deleted_is_never_given_again(gateway):
    """The other process here is one that knows the database only."""
    with gateway.database.write() as session:
        session.execute(delete(InstanceRow))

    assert [get(url, OCTETS).status_code for url in gateway.urls] == [404, 404]
    gateway.app.state.retrieval.sweep()
    hold = gateway.app.state.retrieval.hold
    assert (hold._disk.all(), hold._recent.keys()) == ([], [])


def test_what_another_process_replaced_is_never_given_again(gateway):
    other = image("explicit", PixelData=PIXELS[3].tobytes())
    key = gateway.archive.store(written(other)).key
    with gateway.database.write() as session:
        of_slice = InstanceRow.sop_instance_uid == UIDS["explicit"]
        new = {"sha256": "b" * 64, "archive_key": key}
        session.execute(update(InstanceRow).where(of_slice).values(**new))

    for _ in range(3):  # from the archive, and then from memory
        ((_, body),) = parts_of(get(gateway.urls[1], OCTETS))
        assert body == PIXELS[3].tobytes()
    gateway.app.state.retrieval.sweep()
    keys = gateway.app.state.retrieval.hold._recent.keys()
    held = {sha256 for _, sha256 in keys}
    assert "b" * 64 in held
    assert len(held) == 2


def test_copies_are_swept_now_and_then(gateway, tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.retrieve.retrieval._SWEEP_SECONDS", 0.02)
    (copy,) = (path for path in (tmp_path / "cache").rglob("*") if path.is_file())
    with gateway.app.state.retrieval.sweeping():
        time.sleep(0.2)
        assert copy.exists()
        with gateway.database.write() as session:
            session.execute(delete(InstanceRow))
        deadline = time.monotonic() + 10
        while copy.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)

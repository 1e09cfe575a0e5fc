"""Copies of large instances on disk: whole or not at all, and never more than may be there."""

import errno
import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.errors import ArchiveUnavailable
from gateway.retrieve import disk_cache
from gateway.retrieve.disk_cache import DiskCache, NoRoom

HASHES = [f"{number:064x}" for number in range(10)]


def _fill(cache: DiskCache, number: int, size: int = 100) -> Path:
    path = cache.fill(f"2.25.{number}", HASHES[number], size, [bytes([number]) * size])
    os.utime(path, (number, number))  # used in this order
    return path


def test_a_copy_is_found_again_by_every_process(tmp_path):
    path = _fill(DiskCache(tmp_path, 1000), 1)

    assert DiskCache(tmp_path, 1000).find("2.25.1", HASHES[1]) == path
    assert path.read_bytes() == b"\1" * 100
    assert DiskCache(tmp_path, 1000).find("2.25.1", HASHES[2]) is None
    assert DiskCache(tmp_path, 1000).all() == [("2.25.1", HASHES[1])]


def test_the_least_recently_used_leave(tmp_path):
    cache = DiskCache(tmp_path, 300)
    for number in (1, 2, 3):
        _fill(cache, number)
    cache.find("2.25.1", HASHES[1])
    _fill(cache, 4)

    assert sorted(uid for uid, _ in cache.all()) == ["2.25.1", "2.25.3", "2.25.4"]


def test_a_copy_larger_than_all_may_be_is_kept_alone(tmp_path):
    cache = DiskCache(tmp_path, 300)
    _fill(cache, 1)
    _fill(cache, 2, 500)

    assert cache.all() == [("2.25.2", HASHES[2])]


def test_what_is_open_can_still_be_read_when_its_copy_leaves(tmp_path):
    cache = DiskCache(tmp_path, 150)
    with _fill(cache, 1).open("rb") as file:
        _fill(cache, 2)
        assert file.read() == b"\1" * 100
    assert cache.find("2.25.1", HASHES[1]) is None


def test_a_copy_that_breaks_off_is_none(tmp_path):
    def pieces():
        yield b"x" * 50
        raise ArchiveUnavailable("the archive", "it is gone")

    cache = DiskCache(tmp_path, 1000)
    with pytest.raises(ArchiveUnavailable):
        cache.fill("2.25.1", HASHES[1], 100, pieces())
    assert cache.find("2.25.1", HASHES[1]) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def _spooled(folder: Path, size: int = 100) -> Path:
    file = folder / "1.part"
    file.write_bytes(b"x" * size)
    return file


def test_a_file_that_is_there_becomes_a_copy_without_being_written_again(tmp_path):
    cache, file = DiskCache(tmp_path / "cache", 300), _spooled(tmp_path)
    number = file.stat().st_ino
    for other in (1, 2, 3):
        _fill(cache, other)
    cache.adopt("2.25.4", HASHES[4], file)

    found = cache.find("2.25.4", HASHES[4])
    assert found is not None
    assert found.stat().st_ino == number
    assert not file.exists()
    assert sorted(uid for uid, _ in cache.all()) == ["2.25.2", "2.25.3", "2.25.4"]


@pytest.mark.parametrize(
    ("uid", "size", "spare"),
    [("2.25.1", 301, 0), ("../1", 100, 0), ("2.25.1", 100, 1 << 60)],
    ids=["larger than all", "no UID", "no room"],
)
def test_what_cannot_be_a_copy_stays_where_it_is(tmp_path, monkeypatch, uid, size, spare):
    monkeypatch.setattr(disk_cache, "SPARE", spare)
    cache, file = DiskCache(tmp_path / "cache", 300), _spooled(tmp_path, size)
    cache.adopt(uid, HASHES[1], file)

    assert file.exists()
    assert cache.all() == []


def test_a_file_of_another_disk_stays_where_it_is(tmp_path, monkeypatch):
    def other_disk(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    cache, file = DiskCache(tmp_path / "cache", 300), _spooled(tmp_path)
    monkeypatch.setattr(Path, "rename", other_disk)
    cache.adopt("2.25.1", HASHES[1], file)

    assert file.exists()
    assert cache.all() == []


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_cache, "SPARE", 1 << 60)
    with pytest.raises(NoRoom, match="No space left"):
        _fill(DiskCache(tmp_path, 1000), 1)


@pytest.mark.parametrize("uid", ["../../etc", "", "1.2/3", "1.2.3\0", "1" * 65, "x"])
def test_what_is_no_uid_names_no_file(tmp_path, uid):
    with pytest.raises(NoRoom):
        DiskCache(tmp_path, 1000).fill(uid, HASHES[0], 1, [b"x"])
    assert list(tmp_path.rglob("*")) == []


def test_what_another_boot_or_a_killed_process_left_is_removed(tmp_path):
    """Copies are not synced, so those that were there when the machine went down prove nothing."""
    cache = DiskCache(tmp_path, 1000)
    _fill(cache, 1)
    boot = next(tmp_path.iterdir())
    old, fresh = boot / "a.draft", boot / "b.draft"
    for draft in (old, fresh):
        draft.write_bytes(b"half")
    os.utime(old, (1, 1))
    other = tmp_path / "another-boot" / f"2.25.7-{HASHES[7]}"
    other.parent.mkdir()
    other.write_bytes(b"perhaps half")

    _fill(DiskCache(tmp_path, 1000), 2)
    assert not other.exists()
    assert not old.exists()
    assert fresh.exists()  # somebody may be writing to it


def _fill_for_long(folder: Path) -> None:
    def slow():
        while True:
            yield b"x" * 1000
            time.sleep(0.001)

    DiskCache(folder, 1 << 30).fill("2.25.1", HASHES[1], 1 << 20, slow())


def test_a_process_that_is_killed_leaves_no_copy(tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=_fill_for_long, args=(tmp_path,))
    process.start()
    while not list(tmp_path.rglob("*.draft")):
        assert process.is_alive()
        time.sleep(0.01)
    process.kill()
    process.join()

    cache = DiskCache(tmp_path, 1 << 30)
    assert cache.all() == []
    assert cache.find("2.25.1", HASHES[1]) is None
    _fill(cache, 1)
    assert cache.find("2.25.1", HASHES[1])


def test_many_writers_of_one_copy_leave_it_whole(tmp_path):
    cache = DiskCache(tmp_path, 1 << 20)
    with ThreadPoolExecutor(8) as threads:
        paths = list(threads.map(lambda _: _fill(cache, 5, 10_000), range(40)))

    assert len(set(paths)) == 1
    assert paths[0].read_bytes() == b"\5" * 10_000
    assert len(cache.all()) == 1

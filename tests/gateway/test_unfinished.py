"""A request that never ends leaves nothing behind, and takes nothing from others."""

import threading

import pytest

from adapters.errors import ArchiveUnavailable
from adapters.memory import MemoryArchive
from gateway.ingest import Part, Reception, Source
from gateway.store.tables import InstanceRow, StudyRow
from tests.gateway.house import House, housed
from tests.gateway.orthanclike import Orthanclike
from tests.instances import instance


@pytest.fixture(params=[MemoryArchive, Orthanclike])
def house(database, tmp_path, request):
    with housed(database, request.param(), tmp_path) as house:
        yield house


def held(house: House) -> int:
    return sum(len(page) for page in house.archive.listing())


def broken_off(house: House, *contents: bytes) -> None:
    """A request of which these parts came, and then nothing more."""
    with Reception(house.ingest, Source()) as reception:
        futures = [reception.add(Part(content)) for content in contents]
        assert len(futures) == len(contents)
        for future in reception._futures:
            future.result()


def test_what_it_archived_is_named_by_no_row_and_sent_again_is_stored(house: House):
    broken_off(house, instance(1), instance(2), instance(3, Rows=None), b"no DICOM")
    assert house.count(StudyRow) == 0
    assert house.quarantined() == {}
    assert house.ingest.memory.held == house.ingest.header_memory.held == 0
    assert house.receive(instance(1), instance(2)).result.status == 200
    assert held(house) == house.count(InstanceRow) == 2


def test_what_was_stored_before_stays(house: House):
    house.receive(instance(1), instance(2))
    broken_off(house, instance(1), instance(2), instance(3))
    assert house.count(InstanceRow) == 2
    assert [house.archive.read(row.archive_key) for row in house.rows(InstanceRow)]


def test_what_another_request_stored_meanwhile_stays(house: House):
    with Reception(house.ingest, Source()) as abandoned:
        abandoned.add(Part(instance(1)))
        abandoned._futures[0].result()
        assert house.receive(instance(1), instance(2)).result.status == 200
    assert held(house) == house.count(InstanceRow) == 2
    assert sorted(map(house.archive.read, house.archive.listing().__next__())) == sorted(
        [instance(1), instance(2)]
    )


def test_what_another_request_is_about_to_store_is_stored_by_that(house: House):
    """It met the bytes of the first one in the archive, and relies on nothing else."""
    with Reception(house.ingest, Source()) as second:
        with Reception(house.ingest, Source()) as first:
            first.add(Part(instance(1)))
            first._futures[0].result()
            second.add(Part(instance(1)))
            second._futures[0].result()
        assert second.finish().result.status == 200
    assert house.archived() == instance(1)


def test_many_requests_of_which_every_other_breaks_off_lose_nothing(house: House):
    contents = [instance(number) for number in range(6)]

    def finish() -> None:
        assert house.receive(*contents).result.status == 200

    threads = [
        threading.Thread(target=finish if n % 2 else lambda: broken_off(house, *contents))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert house.count(InstanceRow) == 6
    for row in house.rows(InstanceRow):
        assert house.archive.read(row.archive_key) in contents
    assert held(house) == 6


def test_an_archive_that_is_away_by_then_keeps_them_for_the_next_send(house: House, monkeypatch):
    def away(_key: str) -> None:
        raise ArchiveUnavailable("memory", "away for the test")

    monkeypatch.setattr(house.archive, "delete", away)
    broken_off(house, instance(1))
    assert held(house) == 1
    assert house.receive(instance(1)).result.status == 200
    assert house.archived() == instance(1)


def test_parts_that_were_not_begun_are_let_go_of(house: House, tmp_path):
    """More parts than threads, in memory and in the spool, and the sender gone at once."""
    spool = tmp_path / "spool"
    spool.mkdir()
    lease = house.ingest.memory.lease()
    assert lease.grow(100)
    with Reception(house.ingest, Source()) as reception:
        for number in range(20):
            path = spool / f"{number}.part"
            path.write_bytes(instance(number))
            reception.add(Part(path, spooled=True))
        reception.add(Part(instance(30), lease=lease))
    assert list(spool.iterdir()) == []
    assert house.ingest.memory.held == 0
    assert house.count(InstanceRow) == 0

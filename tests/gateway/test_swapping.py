"""A process that dies while one content takes another's place loses neither."""

import signal
import subprocess
import sys

import pytest

from gateway.index import OTHER_CONTENT
from gateway.ingest import Part
from gateway.reading import Readable
from gateway.store.tables import InstanceRow
from gateway.swapping import REPLACED
from tests.gateway.dying_store import POINTS
from tests.gateway.house import House, housed
from tests.gateway.orthanclike import OrthanclikeFolder
from tests.instances import instance

FIRST, SECOND, THIRD = (instance(1, StudyID=number) for number in "123")


@pytest.fixture
def house(database, tmp_path):
    archive = OrthanclikeFolder(tmp_path / "archive")
    with housed(database, archive, tmp_path, same_uid="replace") as house:
        house.receive(FIRST)
        yield house


def die(house: House, tmp_path, url: str, point: str) -> None:
    """Another process begins to put the second content in place of the first, and is killed."""
    file = tmp_path / "second.dcm"
    file.write_bytes(SECOND)
    arguments = [str(tmp_path), url, str(tmp_path / "archive"), str(file), point]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.gateway.dying_store", *arguments], check=False
    )
    assert ended.returncode == -signal.SIGKILL


def indexed_and_archived_agree(house: House) -> bool:
    (row,) = house.rows(InstanceRow)
    readable = house.ingest.reader.read(Part(house.archived()))
    assert isinstance(readable, Readable)
    return readable.kept.instance["sha256"] == row.sha256


@pytest.mark.parametrize("point", POINTS)
def test_the_next_start_makes_the_archive_hold_what_is_indexed(
    house: House, tmp_path, database_url, point
):
    die(house, tmp_path, database_url, point)
    house.ingest.swaps.recover()
    assert indexed_and_archived_agree(house)
    if point == "after commit":
        assert (house.archived(), house.quarantined()) == (SECOND, {FIRST: REPLACED})
    else:
        assert (house.archived(), house.quarantined()) == (FIRST, {})
    house.ingest.swaps.recover()
    assert indexed_and_archived_agree(house)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("again", [FIRST, SECOND, THIRD], ids=["first", "second", "third"])
def test_a_send_before_that_start_is_safe_too(house: House, tmp_path, database_url, point, again):
    """The first one, acknowledged, is in the archive or aside; what is sent now is stored."""
    die(house, tmp_path, database_url, point)
    assert house.receive(again).result.status == 200
    house.ingest.swaps.recover()
    assert indexed_and_archived_agree(house)
    assert house.archived() == again
    if again != FIRST:
        assert FIRST in house.quarantined()


def test_keep_first_heals_as_well(database, tmp_path, database_url):
    archive = OrthanclikeFolder(tmp_path / "archive")
    with housed(database, archive, tmp_path, same_uid="keep-first") as house:
        house.receive(FIRST)
        die(house, tmp_path, database_url, "after delete")
        assert house.receive(SECOND).result.failed[0].reason == OTHER_CONTENT
        house.ingest.swaps.recover()
        assert house.archived() == FIRST
        assert set(house.quarantined()) == {SECOND}

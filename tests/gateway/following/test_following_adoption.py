"""Found instances that do not fit, or change between reading and indexing; names of cursors."""

import pytest
from sqlalchemy.exc import DataError

from gateway.following.adoption import Adopter
from gateway.following.cursor import archive_name
from gateway.following.judging import Found
from gateway.settings import Settings
from gateway.store.tables import InstanceRow, QuarantineRow, StudyRow
from tests.instances import instance


def found(house, *contents: bytes) -> list[Found]:
    keys = house.behind(*contents)
    held = {one.key: one for one in house.archive.held(keys)}
    return [Found(held[key]) for key in keys]


def test_bytes_that_change_while_they_are_indexed_are_looked_at_again(house, monkeypatch):
    """As when a request, at that moment, puts another content in the place of an orphan."""
    both = found(house, instance(1), instance(2))
    index = house.parts.ingest.index
    changed = instance(1, StudyDescription="something longer than before")

    def index_late(session, kept, *more, **how):
        monkeypatch.undo()
        house.archive.delete(both[0].held.key)
        house.behind(changed)
        return index(session, kept, *more, **how)

    monkeypatch.setattr(house.parts.ingest, "index", index_late)
    adopted = Adopter(house.parts).adopt(both)
    assert (adopted.indexed, adopted.waiting) == (1, [both[0].held.key])
    assert house.uids == ["1.2.826.0.1.1.2"]

    Adopter(house.parts).adopt([Found(held) for held in house.archive.held(adopted.waiting)])
    rows = {row.sop_instance_uid: row for row in house.rows(InstanceRow)}
    assert rows["1.2.826.0.1.1.1"].size == len(changed)


def test_one_that_the_database_does_not_take_holds_up_no_other(house, monkeypatch):
    three = found(house, instance(1), instance(2), instance(3))
    index = house.parts.ingest.index

    def index_or_fail(session, kept, *more, **how):
        if any("826.0.1.1.2" in one.instance["sop_instance_uid"] for one in kept):
            raise DataError("INSERT", {}, ValueError("no such character"))
        return index(session, kept, *more, **how)

    def only_kept(session, kept, *more, **how):
        real = [one for one in kept if hasattr(one, "instance")]
        return index_or_fail(session, real, *more, **how) if real else list(kept)

    monkeypatch.setattr(house.parts.ingest, "index", only_kept)
    also = []
    adopted = Adopter(house.parts).adopt(three, also.append)
    assert (adopted.indexed, adopted.refused, len(also)) == (2, 1, 1)
    assert house.uids == ["1.2.826.0.1.1.1", "1.2.826.0.1.1.3"]
    (aside,) = house.rows(QuarantineRow)
    assert (aside.sop_instance_uid, "does not take" in aside.reason) == ("1.2.826.0.1.1.2", True)
    assert house.rows(StudyRow)[0].number_of_instances == 2


@pytest.mark.parametrize(
    ("archive", "name"),
    [
        ("orthanc", "orthanc"),
        ("http://pacs:8042", "http://pacs:8042"),
        ("http://user:secret@pacs:8042/", "http://pacs:8042"),
        ("https://user@pacs/orthanc/", "https://pacs/orthanc"),
    ],
)
def test_a_cursor_is_kept_under_a_name_without_credentials(archive, name):
    assert archive_name(Settings(archive=archive)) == name

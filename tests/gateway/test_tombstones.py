"""Deletions that do not go through at once: nothing is lost, nothing is forgotten."""

import pytest

from adapters.errors import ArchiveRefused, ArchiveUnavailable
from adapters.memory import MemoryArchive
from gateway import services, tombstones
from gateway.keeping import Part
from gateway.settings import Settings
from gateway.store.tables import InstanceRow, TombstoneRow
from standards.store_response import FailureReason
from tests.gateway.deletion_example import CONTENTS, SERIES_URL, SOURCE, STUDY_URL, Example


class Archive(MemoryArchive):
    """Refuses to forget while `error` is set, after so many bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.before = 0

    def delete(self, key: str) -> None:
        if self.error is not None and self.before <= 0:
            raise self.error
        self.before -= 1
        super().delete(key)


@pytest.fixture
def example(database, tmp_path):
    settings = Settings(data=tmp_path, archive="folder", token="a-token-for-tests")
    example = Example(services.build(settings, Archive(), database))
    example.store()
    return example


AWAY = ArchiveUnavailable("http://orthanc", "connection refused")


def test_while_the_archive_is_away_a_study_is_deleted_all_the_same(example):
    archive = example.parts.archive
    archive.error, archive.before = AWAY, 3

    answer = example.client.delete(STUDY_URL)

    assert answer.status_code == 202
    assert "leave the archive" in answer.json()["detail"]
    assert example.client.get(STUDY_URL).status_code == 410
    assert example.count(InstanceRow) == 0
    assert archive._contents
    assert example.client.delete(STUDY_URL).status_code == 202  # still away
    archive.error = None
    assert example.client.delete(STUDY_URL).status_code == 204  # the next try goes on
    assert archive._contents == {}
    assert example.client.delete(STUDY_URL).status_code == 410


def test_a_crash_after_the_commit_is_healed_at_the_next_start(example, monkeypatch):
    monkeypatch.setattr("gateway.deletion.finish", lambda *_: None)
    example.client.delete(STUDY_URL)
    assert len(example.parts.archive._contents) == len(SOURCE)

    with tombstones.finishing(example.parts.database, example.parts.archive):
        pass

    assert example.parts.archive._contents == {}
    assert not tombstones.is_pending(example.parts.database)


def test_bytes_on_their_way_out_are_not_taken_in_again_and_not_set_aside(example, tmp_path):
    example.parts.archive.error = AWAY
    example.client.delete(STUDY_URL)

    outcome = example.parts.ingest.receive([Part(content) for content in CONTENTS])

    assert outcome.result.status == 503
    reasons = {one.failure_reason for one in outcome.result.failed}
    assert reasons == {FailureReason.OUT_OF_RESOURCES}
    assert list((tmp_path / "quarantine").glob("*")) == []
    assert example.client.get(STUDY_URL).status_code == 410
    example.parts.archive.error = None
    tombstones.finish(example.parts.database, example.parts.archive)
    example.store()
    assert example.client.get(STUDY_URL).status_code == 200


def test_bytes_that_were_deleted_while_they_were_stored_again_are_asked_for_once_more(example):
    """The archive said that it had them; by the time the index is written it has them no more."""
    example.parts.archive.error = AWAY
    example.client.delete(SERIES_URL)
    kept = example.parts.ingest.keep([Part(CONTENTS[0])])
    example.parts.archive.error = None
    tombstones.finish(example.parts.database, example.parts.archive)

    with example.parts.database.write() as session:
        (answer,) = example.parts.ingest.index(session, kept)

    assert answer.failure_reason == FailureReason.OUT_OF_RESOURCES
    assert example.count(InstanceRow) == 0
    example.store(CONTENTS[:1])
    assert example.client.get(SERIES_URL).status_code == 200


def test_what_the_index_names_is_never_deleted(example):
    """Even if a tombstone should name it."""
    with example.parts.database.write() as session:
        row = session.query(InstanceRow).first()
        tombstones.bury(
            session,
            [
                TombstoneRow(
                    uid="1.2.3",
                    level=tombstones.INSTANCE,
                    study_instance_uid="1.2",
                    deleted_at=0,
                    deleted_by="test",
                    archive_key=row.archive_key,
                )
            ],
        )
    tombstones.finish(example.parts.database, example.parts.archive)
    assert len(example.parts.archive._contents) == len(SOURCE)
    assert not tombstones.is_pending(example.parts.database)


def test_one_that_the_archive_will_not_forget_does_not_hold_up_the_others(example):
    archive = example.parts.archive
    kept = next(iter(archive._contents))
    forget = MemoryArchive.delete

    def delete(key: str) -> None:
        if key == kept:
            raise ArchiveRefused("read only")
        forget(archive, key)

    archive.delete = delete
    assert example.client.delete(STUDY_URL).status_code == 202
    assert set(archive._contents) == {kept}
    assert tombstones.is_pending(example.parts.database)

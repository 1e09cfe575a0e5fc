"""Inputs fetched while a study is quiet: there before the job, and never needed."""

import os
import time

import pytest

from adapters.errors import ArchiveUnavailable
from adapters.memory import MemoryArchive
from gateway import services
from gateway.completion import COMPLETE
from gateway.fetching import Fetching
from gateway.ingest import Part
from gateway.inputs import KEPT_SECONDS, InputCopies
from gateway.settings import Settings
from gateway.store.tables import InstanceRow, StudyRow
from tests.instances import instance

STUDY = "1.2.826.0.1"
CONTENTS = [instance(number, study=STUDY) for number in (1, 2, 3)]


class MortalArchive(MemoryArchive):
    error: Exception | None = None

    def read(self, key: str) -> bytes:
        if self.error is not None:
            raise self.error
        return super().read(key)


class Example:
    """A study of three instances that was stored a moment ago, in an archive in memory."""

    def __init__(self, folder, database) -> None:
        settings = Settings(data=folder, archive="folder")
        self.archive = MortalArchive()
        self.parts = services.build(settings, self.archive, database)
        self.copies = InputCopies(self.archive, folder / "inputs", 1 << 20)
        self.fetching = Fetching(database, self.copies, folder, lambda session, _: self.rows)
        self.folder, self.database = folder, database
        assert self.parts.ingest.receive([Part(one) for one in CONTENTS]).result.status == 200
        self.change(last_arrival_at=time.time() - 1)

    @property
    def rows(self) -> list[InstanceRow]:
        with self.database.read() as session:
            query = session.query(InstanceRow).order_by(InstanceRow.sop_instance_uid)
            return query.all()

    @property
    def files(self) -> list[bytes]:
        paths = [path for path in (self.folder / "inputs").rglob("*") if path.is_file()]
        return sorted(path.read_bytes() for path in paths)

    def change(self, **values: object) -> None:
        with self.database.write() as session:
            study = session.get(StudyRow, STUDY)
            for name, value in values.items():
                setattr(study, name, value)

    def read(self) -> list[bytes]:
        return [read() for read in self.copies.reads(self.rows)]


@pytest.fixture
def example(tmp_path, database):
    example = Example(tmp_path, database)
    yield example
    example.parts.ingest.close()


def test_a_study_that_went_quiet_is_fetched_once_and_read_without_the_archive(example):
    assert example.fetching.look() == 3
    assert example.fetching.look() == 0
    assert example.files == sorted(CONTENTS)

    example.archive.error = ArchiveUnavailable("the archive", "away")
    assert example.read() == CONTENTS


def test_one_that_is_still_coming_or_is_complete_is_left_alone(example):
    example.change(last_arrival_at=time.time() + 5)
    assert example.fetching.look() == 0
    example.change(last_arrival_at=time.time() - 1, state=COMPLETE)
    assert example.fetching.look() == 0
    assert example.files == []


def test_more_that_comes_is_fetched_too(example):
    example.fetching.look()
    example.parts.ingest.receive([Part(instance(4, study=STUDY))])
    example.change(last_arrival_at=time.time() - 0.9)

    assert example.fetching.look() == 1
    assert len(example.files) == 4


def test_what_is_not_there_or_not_whole_is_read_from_the_archive(example):
    example.fetching.look()
    first, second, _ = sorted(
        path for path in (example.folder / "inputs").rglob("*-*") if path.is_file()
    )
    first.unlink()
    second.write_bytes(b"half")

    assert example.read() == CONTENTS


def test_nothing_is_fetched_that_does_not_fit(example):
    example.copies.capacity = sum(map(len, CONTENTS)) * 2 - 1

    assert example.fetching.look() == 0
    assert example.read() == CONTENTS


def test_copies_leave_when_their_job_has_ended_or_none_has_read_them(example):
    example.fetching.look()
    first, *_ = rows = example.rows
    example.copies.forget([first])
    assert len(example.files) == 2

    for path in (example.folder / "inputs").rglob("*-*"):
        if path.is_file():
            os.utime(path, (0, time.time() - KEPT_SECONDS - 1))
    example.copies.forget_old()
    assert example.files == []
    example.copies.forget(rows)  # again is no error


def test_an_archive_that_is_away_is_told_and_asked_again_later(example):
    example.archive.error = ArchiveUnavailable("the archive", "away")
    with pytest.raises(ArchiveUnavailable):
        example.fetching.look()

    example.archive.error = None
    assert example.fetching.look() == 3

"""Processes that race for the same SOP Instance UIDs, as the HTTP and DIMSE processes may."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.part import Part
from gateway.reading import Readable
from gateway.store.database import Database
from gateway.store.tables import InstanceRow
from tests.gateway.house import House, housed
from tests.gateway.racing_store import archive_at, content
from tests.orthanc_server import orthanc_url  # noqa: F401 (a fixture)

RACERS, INSTANCES = ("a", "b", "c"), 20


@pytest.fixture(params=["per-instance", "folder"])
def place(request, tmp_path):
    return f"{request.param}:{tmp_path / 'archive'}"


def race(
    folder: Path, url: str, place: str, policy: str, study: str, names: Sequence[str] = RACERS
) -> list[list[int]]:
    """The status of each instance, from every racer."""
    program = [sys.executable, "-m", "tests.gateway.racing_store"]
    racers = [
        subprocess.Popen(
            [*program, str(folder), url, place, policy, name, study, str(INSTANCES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    return [json.loads(racer.communicate(timeout=120)[0]) for racer in racers]


def indexed_and_archived(house: House) -> dict[str, bytes]:
    """What is archived of each instance; it is what the index says."""
    found = {}
    for row in house.rows(InstanceRow):
        archived = house.archive.read(row.archive_key)
        readable = house.ingest.reader.read(Part(archived))
        assert isinstance(readable, Readable)
        assert readable.kept.instance["sha256"] == row.sha256
        assert row.header == readable.kept.instance["header"]
        found[row.sop_instance_uid] = archived
    return found


def archived_of(found: dict[str, bytes], study: str) -> list[bytes]:
    return [found[f"{study}.1.{number}"] for number in range(INSTANCES)]


def check_that_one_won(database: Database, folder: Path, url: str, place: str, study: str) -> None:
    statuses = race(folder, url, place, "keep-first", study)
    assert {status for each in statuses for status in each} == {200, 409}
    with housed(database, archive_at(place), folder) as house:
        archived = archived_of(indexed_and_archived(house), study)
    for number, held in enumerate(archived):
        (winner,) = [n for n, each in zip(RACERS, statuses, strict=True) if each[number] == 200]
        assert held == content(winner, study, number)
    aside = {path.read_bytes() for path in folder.glob("*/quarantine/*.dcm")}
    everything = {content(name, study, n) for name in RACERS for n in range(INSTANCES)}
    assert aside == everything - set(archived)


def test_sc_13_of_contents_that_race_one_is_acknowledged_and_that_one_is_archived(
    database, database_url, tmp_path, place
):
    """SC-13."""
    check_that_one_won(database, tmp_path, database_url, place, "1.2.826.0.5")


def test_sc_13_the_same_race_for_the_real_orthanc(
    database,
    database_url,
    tmp_path,
    orthanc_url,  # noqa: F811
):
    """SC-13."""
    study = f"1.2.826.0.5.{database.url.get_backend_name() == 'sqlite':d}"
    check_that_one_won(database, tmp_path, database_url, orthanc_url, study)


def test_sc_13_contents_that_race_to_replace_each_other_leave_one_that_was_acknowledged(
    database, database_url, tmp_path, place
):
    """SC-13."""
    study = "1.2.826.0.5"
    statuses = race(tmp_path, database_url, place, "replace", study)
    assert {status for each in statuses for status in each} <= {200, 409}
    with housed(database, archive_at(place), tmp_path) as house:
        archived = archived_of(indexed_and_archived(house), study)
        assert sum(len(page) for page in house.archive.listing()) == INSTANCES
    for number, held in enumerate(archived):
        acknowledged = {
            content(name, study, number)
            for name, each in zip(RACERS, statuses, strict=True)
            if each[number] == 200
        }
        assert held in acknowledged


def test_sc_12_the_same_content_from_several_processes_is_stored_once(
    database, database_url, tmp_path, place
):
    """SC-12."""
    study = "1.2.826.0.5"
    statuses = race(tmp_path, database_url, place, "keep-first", study, ("same.1", "same.2"))
    assert statuses == [[200] * INSTANCES] * 2
    with housed(database, archive_at(place), tmp_path) as house:
        archived = archived_of(indexed_and_archived(house), study)
        received = sum(event["new"] for event in house.events("received"))
    assert archived == [content("same", study, number) for number in range(INSTANCES)]
    assert received == INSTANCES
    assert not list(tmp_path.glob("*/quarantine/*"))

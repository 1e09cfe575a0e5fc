"""Walking through a real Orthanc: what was there before, what went, another one in its place."""

import json
import shutil
import time

import httpx
import pytest

from gateway.following.cursor import nothing_missing
from gateway.keeping import Part
from gateway.search import derived
from gateway.store.tables import InstanceRow, QuarantineRow, SeriesRow, StudyRow, StudyValueRow
from tests.gateway.following.following_helper import all_keys, emptied, house_on
from tests.instances import instance


def study_of(number: int, *, instances: int = 3, **changes) -> list[bytes]:
    return [instance(n, study=f"1.2.826.0.{number}", **changes) for n in range(1, instances + 1)]


def test_what_is_there_at_the_first_start_is_indexed(house):
    house.behind(*study_of(1), *study_of(2))
    house.follow()
    assert len(house.uids) == 6
    assert [json.loads(event.detail)["instances"] for event in house.events("found")] == [3, 3]
    for study in house.rows(StudyRow):
        assert (study.state, study.number_of_instances) == ("RECEIVING", 3)


def test_what_has_long_been_there_is_searchable_and_makes_no_work(
    house, database, orthanc, tmp_path
):
    house.behind(*study_of(1))
    with house_on(tmp_path, database, orthanc.url, found_hours=0) as patient:
        time.sleep(1.1)
        patient.follow()
    (study,) = house.rows(StudyRow)
    assert (study.state, study.generation) == ("COMPLETE", 0)
    assert abs(study.last_arrival_at - time.time()) < 60
    (event,) = house.events("found")
    assert json.loads(event.detail)["models"] == "none are run on these"

    house.behind(instance(4))  # a new instance of an old study opens it
    house.follow()
    (study,) = house.rows(StudyRow)
    assert (study.state, study.number_of_instances) == ("RECEIVING", 4)


def test_what_was_left_half_way_is_gone_on_with(house):
    house.behind(*study_of(1), *study_of(2))
    house.follower.turn()
    house.follower = house.new_follower()
    house.behind(*study_of(3))
    house.follow()
    assert len(house.uids) == 9
    assert sum(json.loads(e.detail)["instances"] for e in house.events("found")) == 9


@pytest.mark.parametrize("level", ["instances", "series", "studies"])
def test_what_is_deleted_in_orthanc_leaves_the_searches_and_is_told(house, orthanc, level):
    house.parts.ingest.receive([Part(content) for content in (*study_of(1), *study_of(2))])
    house.follow()
    key = next(
        row.archive_key for row in house.rows(InstanceRow) if "826.0.1." in row.sop_instance_uid
    )
    url = f"{orthanc.url}/instances/{key}"
    if level != "instances":
        parent = httpx.get(f"{url}/{ {'series': 'series', 'studies': 'study'}[level] }").json()[
            "ID"
        ]
        url = f"{orthanc.url}/{level}/{parent}"
    assert httpx.delete(url).status_code == 200

    for _ in range(3):
        house.look_now()
        house.follow()
    left = 2 if level == "instances" else 0
    assert len(house.uids) == 3 + left
    (event,) = house.events("lost")
    assert (event.study_instance_uid, json.loads(event.detail)["instances"]) == (
        "1.2.826.0.1",
        3 - left,
    )
    counts = {row.study_instance_uid: row.number_of_instances for row in house.rows(StudyRow)}
    assert counts == ({"1.2.826.0.1": 2} if left else {}) | {"1.2.826.0.2": 3}
    assert {row.study_instance_uid for row in house.rows(SeriesRow)} == set(counts)
    assert {row.study_instance_uid for row in house.rows(StudyValueRow)} == set(counts)


def test_everything_deleted_leaves_an_empty_index(house, orthanc):
    house.parts.ingest.receive([Part(content) for content in study_of(1)])
    house.follow()
    emptied(orthanc)
    for _ in range(3):
        house.look_now()
        house.follow()
    assert (house.uids, house.count(StudyRow)) == ([], 0)


def test_what_is_sent_again_after_a_deletion_in_orthanc_is_stored_again(house, orthanc):
    """Before the follower has noticed: success must mean that the bytes are there."""
    house.parts.ingest.receive([Part(instance(1))])
    house.follow()
    emptied(orthanc)
    assert house.parts.ingest.receive([Part(instance(1))]).result.status == 200
    (row,) = house.rows(InstanceRow)
    assert house.archive.read(row.archive_key) == instance(1)
    for _ in range(3):
        house.look_now()
        house.follow()
    assert house.uids == ["1.2.826.0.1.1.1"]


def test_a_cleared_log_hides_nothing_for_long(house, orthanc):
    house.follow()
    house.behind(*study_of(1))
    assert httpx.delete(f"{orthanc.url}/changes").status_code == 200
    for _ in range(3):
        house.look_now()
        house.follow()
    assert len(house.uids) == 3


def test_a_deletion_while_nobody_followed_is_noticed_at_the_next_start(house):
    house.parts.ingest.receive([Part(content) for content in study_of(1)])
    house.follow()
    house.archive.delete(house.rows(InstanceRow)[0].archive_key)
    house.follower = house.new_follower()
    house.follow()
    assert len(house.uids) == 2


def test_an_orthanc_that_was_restarted_is_followed_from_where_one_was(house, orthanc):
    house.follow()
    house.behind(instance(1))
    house.follow()
    orthanc.stop()
    orthanc.start()
    house.behind(instance(2))
    house.follow()
    assert len(house.uids) == 2
    assert house.standing.missing == 0


def test_an_empty_orthanc_in_place_of_the_former_one_takes_nothing_out_of_the_index(
    house, orthanc, tmp_path, caplog
):
    house.parts.ingest.receive([Part(content) for content in study_of(1)])
    house.follow()
    former = orthanc.folder
    orthanc.stop()
    try:
        orthanc.folder = tmp_path / "fresh"
        orthanc.start()
        house.follower = house.new_follower()
        house.follow()
        assert len(house.uids) == 3
        assert house.standing.missing == 3
        assert "looks like another one" in caplog.text

        house.behind(*study_of(2))  # it is used all the same, and doubted over restarts
        house.follow()
        house.follower = house.new_follower()
        house.follow()
        assert len(house.uids) == 6
        assert house.standing.missing == 3
    finally:
        orthanc.stop()
        orthanc.folder = former
        orthanc.start()
    house.follower = house.new_follower()
    house.follow()
    assert house.standing.missing == 3  # now of the other one's study
    house.behind(*study_of(2))
    house.follower = house.new_follower()
    house.follow()
    assert house.standing.missing == 0


def test_a_larger_orthanc_in_place_of_the_former_one_is_no_reason_to_forget_either(
    house, orthanc, tmp_path
):
    """Its log has gone further than ours was followed; but nothing that we know is in it."""
    house.parts.ingest.receive([Part(content) for content in study_of(1)])
    house.follow()
    former = orthanc.folder
    orthanc.stop()
    try:
        orthanc.folder = tmp_path / "larger"
        orthanc.start()
        house.behind(*study_of(7, instances=house.standing.last + 10))
        house.follower = house.new_follower()
        house.follow()
        assert len(house.uids) == 3 + len(all_keys(house.archive))
        assert house.standing.missing == 3
        with house.database.write() as session:
            nothing_missing(session)  # a person says: so be it
        house.follower = house.new_follower()
        house.follow()
        assert len(house.uids) == len(all_keys(house.archive))
    finally:
        orthanc.stop()
        orthanc.folder = former
        orthanc.start()
        shutil.rmtree(tmp_path / "larger")


def test_what_was_refused_and_then_deleted_in_orthanc_leaves_the_quarantine(house):
    house.follow()
    (key,) = house.behind(instance(1, Rows=None))
    house.follow()
    assert house.count(QuarantineRow) == 1
    house.archive.delete(key)
    for _ in range(3):
        house.look_now()
        house.follow()
    assert house.count(QuarantineRow) == 0


def test_rows_made_by_following_are_those_that_a_refresh_makes(house):
    house.behind(*study_of(1), *study_of(2, Modality="MR", PatientName="Müller^Ümit"))
    house.follow()
    before = [(row.attribute, row.value) for row in house.rows(StudyValueRow)]
    with house.database.write() as session:
        derived.refresh_all(session)
    assert sorted((row.attribute, row.value) for row in house.rows(StudyValueRow)) == sorted(before)

"""Batches on both databases: lists, the fate of each line, steering, shadow results."""

import io

import pydicom
import pytest

from gateway.batches import feeder
from gateway.batches.batches import LineState
from gateway.batches.feeder import Feeder
from gateway.batches.listing import ACCESSION, MOST_LINES, STUDY, from_csv
from gateway.errors import Unprocessable
from gateway.store.database import Database
from gateway.store.tables import (
    BatchLineRow,
    FhirRow,
    InstanceRow,
    ShadowObjectRow,
    StudyRow,
)
from tests.gateway.late_example import STUDY as CHEST
from tests.gateway.late_example import Growing, complete

BATCHES = "/api/v1/batches"
CSV = {"Content-Type": "text/csv"}
UNKNOWN = "1.2.826.0.1.3680043.10.511.999"


@pytest.fixture
def growing_study(database, tmp_path) -> Growing:
    """A complete chest CT that no rule has given to a model yet."""
    return complete(database, tmp_path)


def feed(study: Growing) -> None:
    Feeder(study.parts.database, study.parts.registry, study).sweep()


def order(study: Growing, **values) -> dict:
    answer = study.client.post(BATCHES, json={"model": "lung_ct", **values})
    assert answer.status_code == 201, answer.text
    return answer.json()


def look(study: Growing, batch: dict) -> dict:
    return study.client.get(f"{BATCHES}/{batch['id']}").json()


def count(database: Database, table) -> int:
    with database.read() as session:
        return session.query(table).count()


@pytest.mark.parametrize(
    ("content", "kind", "wanted"),
    [
        (b"StudyInstanceUID\n1.2.3\n1.2.4\n", STUDY, ("1.2.3", "1.2.4")),
        (b"\xef\xbb\xbfstudy_instance_uid\r\n1.2.3\r\n\r\n", STUDY, ("1.2.3",)),
        ('AccessionNumber\nA-1\n"B;2"\n'.encode("utf-16"), ACCESSION, ("A-1", "B;2")),
    ],
)
def test_csv_is_read_as_spreadsheets_write_it(content, kind, wanted):
    found = from_csv(content)
    assert (found.kind, found.wanted, found.duplicates) == (kind, wanted, 0)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "columns none"),
        (b"StudyInstanceUID\n", "list is empty"),
        (b"PatientName\nDoe^Jane\n", "'patientname'"),
        (b"StudyInstanceUID,Note\n1.2.3,x\n", "expected one"),
        (b"StudyInstanceUID\n1.2.3\nDoe^Jane\n", "entry 3 is no Study Instance UID"),
        (b"StudyInstanceUID\n1.2.3,4\n", "2 fields"),
        ("AccessionNumber\nÄ1\n".encode("latin-1"), "no UTF-8 text"),
        (b"AccessionNumber\n" + b"9" * 65, "65 characters"),
        (b'AccessionNumber\n"open', "no CSV"),
    ],
)
def test_csv_that_cannot_be_used_is_told_why_and_never_repeated(content, told):
    with pytest.raises(Unprocessable, match=told) as refused:
        from_csv(content)
    assert "Doe" not in str(refused.value)


def test_a_list_of_a_million_lines_is_refused_at_once():
    content = b"StudyInstanceUID\n" + b"".join(b"1.2.%d\n" % number for number in range(1_000_000))
    with pytest.raises(Unprocessable, match=f"more than {MOST_LINES}"):
        from_csv(content)


def test_duplicates_are_left_out_and_counted(growing_study):
    answer = growing_study.client.post(
        f"{BATCHES}?model=lung_ct", content=b"StudyInstanceUID\n1.2.3\n1.2.4\n1.2.3\n", headers=CSV
    )
    assert answer.status_code == 201, answer.text
    batch = answer.json()
    assert (batch["lines"], batch["duplicates"], batch["stage"]) == (2, 1, "shadow")


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"model": "unknown", "studies": ["1.2.3"]}, 404, "unknown"),
        ({"model": "lung_ct"}, 422, "exactly one"),
        ({"model": "lung_ct", "studies": [], "query": {}}, 422, "exactly one"),
        ({"model": "lung_ct", "studies": ["Doe"]}, 422, "entry 1"),
        ({"model": "lung_ct", "studies": ["1.2"], "stage": "live"}, 422, "stage"),
        ({"model": "lung_ct", "query": {"PatientNam": "x"}}, 400, "PatientNam"),
    ],
)
def test_orders_that_cannot_be_are_refused(growing_study, body, status, told):
    answer = growing_study.client.post(BATCHES, json=body)
    assert answer.status_code == status, answer.text
    assert told in answer.json()["detail"]


def test_other_bodies_are_refused(growing_study):
    answer = growing_study.client.post(
        BATCHES, content=b"x", headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 415


def test_every_line_has_its_fate_with_the_reason(growing_study):
    database = growing_study.parts.database
    with database.write() as session:
        session.add(
            StudyRow(
                study_instance_uid="1.2.9",
                state="COMPLETE",
                attributes="{}",
                created_at=1.0,
                updated_at=1.0,
            )
        )
    batch = order(growing_study, studies=[CHEST, UNKNOWN, "1.2.9"])
    assert look(growing_study, batch)["fates"] == {"waiting": 3}
    feed(growing_study)

    lines = growing_study.client.get(f"{BATCHES}/{batch['id']}/lines").json()
    assert [line["fate"] for line in lines] == ["queued", "not_found", "unfit"]
    assert "no such study" in lines[1]["reason"]
    assert "no series fits" in lines[2]["reason"]
    row = growing_study.row(lines[0]["workitem_uid"])
    assert (row.priority, row.stage, row.rule) == ("LOW", "shadow", "(batch)")

    growing_study.works(*growing_study.jobs)
    feed(growing_study)
    found = look(growing_study, batch)
    assert found["fates"] == {"done": 1, "not_found": 1, "unfit": 1}
    assert (found["state"], found["percent"]) == ("DONE", 100)


def test_shadow_results_are_reached_by_the_batch_and_by_nothing_of_the_study(growing_study):
    database = growing_study.parts.database
    before = count(database, InstanceRow)
    batch = order(growing_study, studies=[CHEST])
    feed(growing_study)
    growing_study.works(*growing_study.jobs)

    assert count(database, InstanceRow) == before
    assert count(database, FhirRow) == 0
    assert growing_study.results() == []
    assert len(growing_study.client.get(f"/dicom-web/studies/{CHEST}/series").json()) == 1
    (tree,) = growing_study.client.get(f"{BATCHES}/{batch['id']}/results").json()
    assert tree["measurements"]
    for one in tree["objects"]:
        content = growing_study.client.get(one["url"].removeprefix("http://testserver")).content
        dataset = pydicom.dcmread(io.BytesIO(content))
        assert dataset.SOPInstanceUID == one["sop_instance_uid"]
        url = f"/dicom-web/studies/{CHEST}/series/{dataset.SeriesInstanceUID}/instances/"
        assert growing_study.client.get(url + dataset.SOPInstanceUID).status_code == 404


def test_clinical_work_on_the_same_inputs_is_its_own_with_other_uids(growing_study):
    batch = order(growing_study, studies=[CHEST])
    feed(growing_study)
    growing_study.works(*growing_study.jobs)
    (clinical,) = growing_study.completes()
    growing_study.works(clinical)

    (shadowed,) = growing_study.client.get(f"{BATCHES}/{batch['id']}/results").json()
    (live,) = growing_study.results()
    uids = [{one["sop_instance_uid"] for one in tree["objects"]} for tree in (shadowed, live)]
    assert uids[0].isdisjoint(uids[1])


def test_what_was_done_already_is_not_done_again(growing_study):
    (clinical,) = growing_study.completes()
    growing_study.works(clinical)
    batch = order(growing_study, studies=[CHEST], stage="study")
    before = len(growing_study.jobs)
    feed(growing_study)

    assert len(growing_study.jobs) == before
    (line,) = growing_study.client.get(f"{BATCHES}/{batch['id']}/lines").json()
    assert (line["fate"], line["workitem_uid"]) == ("done", clinical)


def test_deleting_the_study_takes_its_shadow_results_along(growing_study):
    batch = order(growing_study, studies=[CHEST])
    feed(growing_study)
    growing_study.works(*growing_study.jobs)
    database = growing_study.parts.database
    assert count(database, ShadowObjectRow)

    assert growing_study.client.delete(f"/dicom-web/studies/{CHEST}").status_code == 204
    assert count(database, ShadowObjectRow) == 0
    assert look(growing_study, batch)["fates"] == {"withdrawn": 1}


def test_a_paused_batch_orders_nothing_and_a_canceled_one_ends_what_it_ordered(growing_study):
    batch = order(growing_study, studies=[CHEST, UNKNOWN])
    path = f"{BATCHES}/{batch['id']}"
    assert growing_study.client.post(f"{path}/pause").json()["state"] == "PAUSED"
    feed(growing_study)
    assert look(growing_study, batch)["fates"] == {"waiting": 2}
    assert growing_study.client.post(f"{path}/resume").json()["state"] == "RUNNING"
    feed(growing_study)
    assert look(growing_study, batch)["fates"] == {"queued": 1, "not_found": 1}

    found = growing_study.client.post(f"{path}/cancel").json()
    assert (found["state"], found["fates"]) == ("CANCELED", {"canceled": 1, "not_found": 1})
    assert growing_study.client.post(f"{path}/resume").status_code == 409
    assert growing_study.client.post(f"{path}/cancel").status_code == 409


def test_queues_stay_short_and_a_new_feeder_goes_on_where_one_was_killed(
    growing_study, monkeypatch
):
    """Each line a study of its own would take long to make: two are enough to see the bound."""
    monkeypatch.setattr(feeder, "MOST_QUEUED", 1)
    database = growing_study.parts.database
    batch = order(growing_study, studies=[CHEST])
    again = order(growing_study, studies=[CHEST, UNKNOWN])
    feed(growing_study)
    assert len(growing_study.jobs) == 1  # the second batch waits for the same work
    assert look(growing_study, again)["fates"] == {"queued": 1, "waiting": 1}
    growing_study.works(*growing_study.jobs)
    feed(growing_study)
    feed(growing_study)
    assert look(growing_study, batch)["state"] == "DONE"
    assert look(growing_study, again)["fates"] == {"done": 1, "not_found": 1}
    with database.read() as session:
        states = {row.state for row in session.query(BatchLineRow)}
    assert LineState.WAITING not in states


def test_a_batch_may_be_what_a_search_finds(growing_study):
    batch = order(growing_study, query={"ModalitiesInStudy": "CT"})
    assert batch["lines"] == 1
    answer = growing_study.client.post(
        BATCHES, json={"model": "lung_ct", "query": {"ModalitiesInStudy": "MR"}}
    )
    assert answer.status_code == 422


def test_a_batch_that_has_ended_can_be_deleted_and_frees_what_it_alone_kept(growing_study):
    database = growing_study.parts.database
    batch = order(growing_study, studies=[CHEST, UNKNOWN])
    again = order(growing_study, studies=[CHEST])  # shows the same work
    path, other = f"{BATCHES}/{batch['id']}", f"{BATCHES}/{again['id']}"
    feed(growing_study)
    refused = growing_study.client.delete(path)
    assert refused.status_code == 409
    assert "wait for its end, or cancel it" in refused.json()["detail"]
    growing_study.works(*growing_study.jobs)
    feed(growing_study)
    before = growing_study.client.get(f"/api/v1/studies/{CHEST}").json()["events"]

    assert growing_study.client.delete(path).status_code == 204
    assert growing_study.client.get(path).status_code == 404
    assert growing_study.client.delete(path).status_code == 404
    assert count(database, ShadowObjectRow)  # the other batch has them still
    assert look(growing_study, again)["fates"] == {"done": 1}
    assert growing_study.client.delete(other).status_code == 204
    assert (count(database, ShadowObjectRow), count(database, BatchLineRow)) == (0, 0)
    assert growing_study.client.get(f"/api/v1/studies/{CHEST}").json()["events"] == before

    order(growing_study, studies=[CHEST])
    feed(growing_study)
    assert len(growing_study.jobs) == 2  # done anew, since nothing is left of it


def test_a_canceled_batch_can_be_deleted_and_leaves_clinical_results_alone(growing_study):
    batch = order(growing_study, studies=[CHEST], stage="study")
    feed(growing_study)
    growing_study.works(*growing_study.jobs)
    path = f"{BATCHES}/{batch['id']}"
    assert growing_study.client.post(f"{path}/cancel").status_code == 200
    assert growing_study.client.delete(path).status_code == 204
    assert len(growing_study.results()) == 1


def test_the_console_tells_why_a_batch_could_not_be_changed(growing_study):
    batch = order(growing_study, studies=[CHEST, UNKNOWN])
    path = f"/ui/batches/{batch['id']}"
    assert "0 % of 2 lines" in growing_study.client.get("/ui/batches").text
    assert growing_study.client.post(f"{path}/cancel").status_code == 200
    answer = growing_study.client.post(f"{path}/pause")
    assert (answer.status_code, "is CANCELED; expected" in answer.text) == (409, True)
    made = growing_study.client.post("/api/v1/tokens", json={"name": "u", "role": "user"}).json()
    user = {"Authorization": f"Bearer {made['token']}"}
    assert "formaction" not in growing_study.client.get("/ui/batches", headers=user).text
    assert growing_study.client.post(f"{path}/pause", headers=user).status_code == 403


def test_only_administrators_order_and_delete_batches(growing_study):
    made = growing_study.client.post("/api/v1/tokens", json={"name": "u", "role": "user"}).json()
    user = {"Authorization": f"Bearer {made['token']}"}
    body = {"model": "lung_ct", "studies": [CHEST]}
    assert growing_study.client.post(BATCHES, json=body, headers=user).status_code == 403
    assert growing_study.client.get(BATCHES, headers=user).status_code == 200
    one = f"{BATCHES}/{order(growing_study, **body)['id']}"
    assert growing_study.client.delete(one, headers=user).status_code == 403


def test_a_thousand_lines_are_ordered_in_one_go(growing_study):
    batch = order(growing_study, studies=[f"1.2.{number}" for number in range(1000)])
    assert batch["lines"] == 1000
    feed(growing_study)
    assert look(growing_study, batch)["fates"] == {"not_found": 1000}
    assert growing_study.client.get("/ui/batches").status_code == 200

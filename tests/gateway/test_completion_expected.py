"""Announcements as evidence: declared over HTTP, by MPPS and IAN from pynetdicom, in headers."""

from io import BytesIO

import pytest
from fastapi.testclient import TestClient
from pydicom import Dataset, dcmread
from pynetdicom import AE

from adapters.memory import MemoryArchive
from gateway import services
from gateway.app import create_app
from gateway.completion import Policy, QuietTime
from gateway.completion.declared_counts import DeclaredCounts
from gateway.completion.expectations import DECLARED, Announced, Expectation, expect
from gateway.completion.forgetting import forget_evidence
from gateway.settings import Settings
from standards.announcements import AVAILABILITY, PERFORMED_STEP
from tests.gateway.completion_helper import STUDY, House
from tests.gateway.dimse_helper import Listening, serving
from tests.instances import instance

PATH = f"/api/v1/studies/{STUDY}/expected"
STEP = "1.2.826.0.77"


def announced(house: House, expectation: Expectation) -> None:
    with house.database.write() as session:
        expect(session, STUDY, expectation, house.clock.now)


def test_a_study_is_complete_with_the_last_of_the_number_that_was_declared(database):
    house = House(database, [Announced()])
    announced(house, Expectation(DECLARED, instances=3))
    house.arrives(1)
    house.arrives(2)
    assert house.passes(50) == 0
    house.arrives(3)
    assert house.passes(0.5) == 1
    assert house.evidence == {
        "evidence": "expected",
        "generation": 1,
        "announced": {"DECLARED": 3},
    }


def test_a_list_is_not_met_by_other_instances(database):
    house = House(database, [Announced()])
    announced(house, Expectation(DECLARED, sop_instance_uids=(f"{STUDY}.1.1", f"{STUDY}.1.2")))
    house.arrives(1)
    house.arrives(3)
    assert house.passes(50) == 0
    house.arrives(2)
    assert house.passes(0.5) == 1


def test_what_never_comes_is_not_waited_for_for_ever_and_the_trace_says_the_number(database):
    house = House(database, [Announced()])
    announced(house, Expectation(DECLARED, instances=300))
    house.arrives(1)
    assert house.passes(99) == 0
    assert house.passes(1) == 1
    assert house.evidence["evidence"] == "quiet_time"
    (told,) = house.evidence["missing"]["expected"]["announcements"]
    assert (told["missing"], told["expected"], told["arrived"]) == (299, 300, 1)


def test_a_declaration_that_comes_after_the_instances_completes_at_once(sqlite):
    house = House(sqlite, [Announced()])
    house.arrives(1)
    assert house.passes(1) == 0
    announced(house, Expectation(DECLARED, instances=1))
    assert house.passes(0.5) == 1


def test_a_rule_that_asks_for_an_announcement_does_not_run_without(sqlite):
    house = House(sqlite, [Announced()], policy=Policy(expected=True))
    house.arrives(1)
    assert house.passes(99) == 0
    assert house.passes(1) == 1
    assert "expected" in house.evidence["missing"]


def test_announcements_are_forgotten_with_the_traces_of_their_time(database):
    house = House(database, [Announced()])
    announced(house, Expectation(DECLARED, instances=3))
    forget_evidence(database, house.clock.now)
    assert house.asked_for(DECLARED)
    forget_evidence(database, house.clock.now + 1)
    assert not house.asked_for(DECLARED)


@pytest.mark.parametrize(
    "counts",
    [
        {"NumberOfStudyRelatedInstances": 2},
        {"NumberOfStudyRelatedSeries": 1, "NumberOfSeriesRelatedInstances": 2},
    ],
)
def test_counts_in_the_headers_are_evidence(database, counts):
    house = House(database, [DeclaredCounts()])
    house.arrives(1, **counts)
    assert house.passes(50) == 0
    house.arrives(2, **counts)
    assert house.passes(0.5) == 1
    assert house.evidence["evidence"] == "declared_counts"


def test_counts_of_single_series_only_promise_more(sqlite):
    house = House(sqlite, [DeclaredCounts()])
    house.arrives(1, NumberOfSeriesRelatedInstances=2)
    assert house.passes(50) == 0
    house.arrives(2, NumberOfSeriesRelatedInstances=2)
    assert house.passes(9) == 0
    assert house.passes(1) == 1
    assert house.evidence["evidence"] == "quiet_time"


@pytest.fixture
def listening(database, tmp_path):
    with serving(Listening(database, tmp_path)) as listening:
        yield listening


def step(status: str = "IN PROGRESS", study: str | None = STUDY, images=()) -> Dataset:
    """What N-CREATE and N-SET of a performed step say, as far as completion reads it."""
    step = Dataset()
    if status:
        step.PerformedProcedureStepStatus = status
    if study is not None:
        scheduled = Dataset()
        scheduled.StudyInstanceUID = study
        step.ScheduledStepAttributesSequence = [scheduled]
    series = Dataset()
    series.ReferencedImageSequence = [reference(uid) for uid in images]
    step.PerformedSeriesSequence = [series] if images else []
    return step


def reference(uid: str, **attributes: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", uid
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def associate(listening):
    modality = AE("CT1")
    modality.add_requested_context(PERFORMED_STEP)
    modality.add_requested_context(AVAILABILITY)
    association = modality.associate("127.0.0.1", listening.port)
    assert association.is_established
    return association


def test_a_completed_mpps_says_which_instances_are_the_study(listening):
    house = House(listening.database, [Announced()])
    association = associate(listening)
    status, _ = association.send_n_create(step(), PERFORMED_STEP, STEP)
    assert status.Status == 0
    house.arrives(1)
    assert house.passes(20) == 0  # in progress

    ended = step("COMPLETED", None, [f"{STUDY}.1.1", f"{STUDY}.1.2"])
    status, _ = association.send_n_set(ended, PERFORMED_STEP, STEP)
    assert status.Status == 0
    association.release()
    assert house.passes(50) == 0
    house.arrives(2)
    assert house.passes(0.5) == 1
    assert house.evidence["announced"] == {f"MPPS {STEP}": 2}
    assert [event["state"] for event in listening.events("announced")] == [
        "IN PROGRESS",
        "COMPLETED",
    ]


def test_steps_are_refused_as_the_standard_asks(listening):
    association = associate(listening)

    def create(dataset: Dataset, uid: str | None = STEP) -> int:
        return association.send_n_create(dataset, PERFORMED_STEP, uid)[0].Status

    def change(dataset: Dataset, uid: str = STEP) -> Dataset:
        return association.send_n_set(dataset, PERFORMED_STEP, uid)[0]

    assert create(step("COMPLETED")) == 0x0106
    assert create(step(study=None)) == 0x0120
    assert create(step(study="no uid")) == 0x0120
    assert change(step("COMPLETED")).Status == 0x0112
    assert create(step()) == 0
    assert create(step()) == 0x0111
    assert create(step(), uid=None) == 0  # the provider names it
    assert change(step("PAUSED")).Status == 0x0106
    assert change(step("COMPLETED")).Status == 0
    ended = change(step("COMPLETED"))
    assert (ended.Status, ended.ErrorID) == (0x0110, 0xA710)
    association.release()


def test_a_notification_of_availability_says_which_instances_to_wait_for(listening):
    house = House(listening.database, [Announced()])
    series = Dataset()
    series.SeriesInstanceUID = f"{STUDY}.1"
    series.ReferencedSOPSequence = [
        reference(f"{STUDY}.1.1", InstanceAvailability="ONLINE"),
        reference(f"{STUDY}.1.2", InstanceAvailability="NEARLINE"),
        reference(f"{STUDY}.1.3", InstanceAvailability="UNAVAILABLE"),
    ]
    notice = Dataset()
    notice.StudyInstanceUID = STUDY
    notice.ReferencedSeriesSequence = [series]
    association = associate(listening)
    status, _ = association.send_n_create(notice, AVAILABILITY, "1.2.826.0.88")
    assert status.Status == 0
    del notice.StudyInstanceUID
    refused, _ = association.send_n_create(notice, AVAILABILITY, "1.2.826.0.89")
    assert refused.Status == 0x0120
    association.release()

    house.arrives(1)
    assert house.passes(50) == 0
    house.arrives(2)
    assert house.passes(0.5) == 1
    assert house.evidence["announced"] == {"IAN 1.2.826.0.88": 2}


def test_images_and_steps_come_on_one_association(listening):
    image = dcmread(BytesIO(instance(1)))
    modality = AE("CT1")
    modality.add_requested_context(PERFORMED_STEP)
    modality.add_requested_context(image.SOPClassUID, image.file_meta.TransferSyntaxUID)
    association = modality.associate("127.0.0.1", listening.port)
    assert association.send_n_create(step(), PERFORMED_STEP, STEP)[0].Status == 0
    assert association.send_c_store(image).Status == 0
    assert association.send_n_set(step("COMPLETED", None), PERFORMED_STEP, STEP)[0].Status == 0
    association.release()


@pytest.fixture
def client(database, tmp_path):
    settings = Settings(data=tmp_path, archive="folder", token="a-token-for-tests")
    app = create_app(services.build(settings, MemoryArchive(), database), "a-token-for-tests")
    return TestClient(app, headers={"Authorization": "Bearer a-token-for-tests"})


def test_a_study_can_be_declared_over_http_before_it_comes(client, database):
    house = House(database, [Announced()], quiet=QuietTime(10, incomplete_seconds=100))
    assert client.get(PATH).status_code == 404
    reply = client.put(PATH, json={"instances": 2})
    assert reply.status_code == 200
    (told,) = reply.json()["announcements"]
    assert (told["announced_by"], told["instances"]) == ("DECLARED", 2)
    assert told["missing"]["missing"] == 2

    house.arrives(1)
    house.arrives(2)
    assert client.get(PATH).json()["announcements"][0]["missing"] == {}
    assert house.passes(0.5) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PATH, {}),
        (PATH, {"instances": 0}),
        (PATH, {"instances": 2**40}),
        (PATH, {"instances": "many"}),
        (PATH, {"instances": 1, "sop_instance_uids": ["1.2"]}),
        (PATH, {"sop_instance_uids": ["Doe^Jane"]}),
        (PATH, {"sop_instance_uids": ["1." * 40 + "1"]}),
        (PATH, {"instances": 1, "unknown": True}),
        ("/api/v1/studies/Doe/expected", {"instances": 1}),
    ],
)
def test_a_declaration_that_says_nothing_is_refused(client, path, body):
    reply = client.put(path, json=body)
    assert reply.status_code == 422
    assert client.get(path).status_code == 404

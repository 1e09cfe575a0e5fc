"""Results of our own models among what is found: told from input and from unfinished work."""

import json
import time

import pytest
from pydicom import Dataset

from gateway.equipment import EQUIPMENT
from gateway.keeping import Part
from gateway.store.tables import InstanceRow, QuarantineRow, StudyRow, WorkitemRow
from standards import codes
from standards.analysis import Carrier, result_uid
from standards.ups import State
from tests.instances import instance

DEVICE = "2.25.77"
SOURCE = "1.2.826.0.1.1.1"
SERIES, OTHER_SERIES = "1.2.826.0.1.1", "1.2.826.0.1.2"


def result(
    device: str = DEVICE, *sources: str, kind: Carrier = "key image", again: str = ""
) -> bytes:
    """What one model build made of these sources, by the default of slice 1, with AIR's marks."""
    purpose, model = Dataset(), Dataset()
    purpose.CodeValue = codes.PROCESSING_EQUIPMENT.value
    purpose.CodingSchemeDesignator = codes.PROCESSING_EQUIPMENT.scheme_designator
    purpose.CodeMeaning = codes.PROCESSING_EQUIPMENT.meaning
    model.PurposeOfReferenceCodeSequence = [purpose]
    model.DeviceUID = device
    inputs = sources or (SOURCE,)
    return instance(
        1,
        series=result_uid(device, inputs, kind, "series", again=again),
        SOPInstanceUID=result_uid(device, inputs, kind, "instance", again=again),
        Manufacturer=EQUIPMENT.manufacturer,
        ManufacturerModelName=EQUIPMENT.manufacturer_model_name,
        ContributingEquipmentSequence=[model],
    )


def add_workitem(
    house, state: State, source: str = SOURCE, uid: str = "2.25.5", *, others: tuple[str, ...] = ()
) -> None:
    """others: instances of a second input, in a series of its own."""
    inputs = [_input(SERIES, source), *(_input(OTHER_SERIES, one) for one in others)]
    step = {"00404021": {"vr": "SQ", "Value": inputs}}
    with house.database.write() as session:
        session.add(
            WorkitemRow(
                sop_instance_uid=uid,
                study_instance_uid="1.2.826.0.1",
                series_instance_uid=SERIES,
                procedure_step_state=state,
                model_name="m",
                model_version="1",
                model_digest="d",
                dataset=json.dumps(step),
                created_at=time.time(),
            )
        )


def _input(series: str, instance: str) -> dict:
    reference = {"00081155": {"vr": "UI", "Value": [instance]}}
    return {
        "0020000E": {"vr": "UI", "Value": [series]},
        "00081199": {"vr": "SQ", "Value": [reference]},
    }


def creators(house) -> dict[str, str]:
    return {row.series_instance_uid: row.created_by for row in house.rows(InstanceRow)}


def test_a_lost_index_is_made_anew_with_results_told_apart_and_without_new_work(house):
    house.behind(instance(1), result())
    house.follow()
    assert sorted(creators(house).values()) == ["", DEVICE]
    (study,) = house.rows(StudyRow)
    assert (study.state, study.generation, study.number_of_instances) == ("COMPLETE", 0, 2)


@pytest.mark.parametrize("results_first", [True, False])
def test_so_it_is_when_results_and_sources_are_indexed_one_after_the_other(
    house, monkeypatch, results_first
):
    monkeypatch.setattr("gateway.following.follower.BATCH", 1)
    monkeypatch.setattr("gateway.following.walk.BATCH", 1)
    contents = [instance(1), result()]
    house.behind(*(reversed(contents) if results_first else contents))
    house.follow()
    assert [row.state for row in house.rows(StudyRow)] == ["COMPLETE"]


def test_a_result_that_reaches_orthanc_alone_is_no_arrival(house):
    house.parts.ingest.receive([Part(instance(1))])
    house.follow()
    before = house.rows(StudyRow)[0].last_arrival_at
    house.behind(result())
    house.follow()
    assert DEVICE in creators(house).values()
    assert house.rows(StudyRow)[0].last_arrival_at == before


def test_new_slices_open_a_study_that_holds_results(house):
    house.behind(instance(1), result())
    house.follow()
    house.behind(instance(2))
    house.follow()
    assert [row.state for row in house.rows(StudyRow)] == ["RECEIVING"]


def test_objects_of_work_under_way_wait_for_its_end(house):
    house.parts.ingest.receive([Part(instance(1))])
    house.follow()
    add_workitem(house, State.IN_PROGRESS)
    add_workitem(house, State.COMPLETED, source="1.2.826.0.1.1.9", uid="2.25.6")  # another series'
    house.behind(result())
    house.follow()
    assert len(house.uids) == 1

    with house.database.write() as session:
        session.get(WorkitemRow, "2.25.5").procedure_step_state = State.COMPLETED
    house.follower = house.new_follower()
    house.follow()
    assert sorted(creators(house).values()) == ["", "2.25.5"]


def test_the_result_of_several_inputs_is_known_by_the_first_on_which_it_is_drawn(house):
    house.parts.ingest.receive([Part(instance(1))])
    house.follow()
    add_workitem(house, State.COMPLETED, others=("1.2.826.0.1.2.1",))
    house.behind(result())
    house.follow()
    assert sorted(creators(house).values()) == ["", "2.25.5"]


def test_objects_of_work_that_failed_are_no_results(house):
    house.parts.ingest.receive([Part(instance(1))])
    house.follow()
    add_workitem(house, State.CANCELED)
    house.behind(result())
    house.follow()
    assert len(house.uids) == 1
    (aside,) = house.rows(QuarantineRow)
    assert "ended without it" in aside.reason


@pytest.mark.parametrize("state", [State.CANCELED, State.COMPLETED])
@pytest.mark.parametrize("is_named", [True, False])
def test_the_report_of_work_without_a_result_counts_if_the_work_names_it(house, state, is_named):
    """What an attempt archived before it was killed says nothing of how the work ended."""
    house.parts.ingest.receive([Part(instance(1))])
    house.follow()
    add_workitem(house, state)
    report = result(kind="no result", again="2.25.5")
    if is_named:
        uid = result_uid(DEVICE, [SOURCE], "no result", "instance", again="2.25.5")
        with house.database.write() as session:
            named = json.dumps({"objects": [{"sop_instance_uid": uid}]})
            session.get(WorkitemRow, "2.25.5").results = named
    house.behind(report)
    house.follow()
    assert sorted(creators(house).values()) == (["", "2.25.5"] if is_named else [""])


def test_a_worker_that_comes_back_finds_its_objects_indexed_as_its_own(house):
    """The follower was faster than the repeat of a killed worker's work."""
    house.parts.ingest.receive([Part(instance(1))])
    house.follow()
    add_workitem(house, State.COMPLETED)
    house.behind(result())
    house.follow()
    kept = house.parts.ingest.keep([Part(result())])
    with house.database.write() as session:
        (answer,) = house.parts.ingest.index(session, kept, "2.25.5")
    assert not answer.new
    assert sorted(creators(house).values()) == ["", "2.25.5"]


def test_another_makers_image_is_input(house):
    other = instance(1, Manufacturer="Airgate", ManufacturerModelName="Airgate gateway II")
    house.follow()
    house.behind(other, instance(2, Manufacturer="ACME"))
    house.follow()
    assert set(creators(house).values()) == {""}
    assert [row.state for row in house.rows(StudyRow)] == ["RECEIVING"]

"""Keys of a query against whole data sets: sequences, dates with their times, private elements."""

import pytest
from pydicom import Dataset

from standards.dicom_json import attributes_of
from standards.errors import UnfitValue
from standards.query import Creator, Private, conditions, matches, vr_of
from standards.query_values import How, matching
from standards.study import tag_of


def found(document: dict, zone: int | None = None, how: How | None = None, **wanted: str) -> bool:
    """Keywords of a path are joined by two underscores."""
    keys = []
    for name, value in wanted.items():
        path = tuple(tag_of(each) for each in name.split("__"))
        one = matching(vr_of(path[-1]), value, how or How(zone=zone))
        if one is not None:
            keys.append((path, one))
    return matches(conditions(keys, zone), document)


def document(**attributes: object) -> dict:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return attributes_of(ds)


def item(**attributes: object) -> Dataset:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


REQUESTED = document(
    RequestAttributesSequence=[
        item(ScheduledProcedureStepID="S1", RequestedProcedureID="P1"),
        item(
            ScheduledProcedureStepID="S2",
            RequestedProcedureID="P2",
            ScheduledProtocolCodeSequence=[item(CodeValue="A"), item(CodeValue="B")],
        ),
    ]
)


@pytest.mark.parametrize(
    ("step", "procedure", "expected"),
    [("S1", "P1", True), ("S2", "P2", True), ("S1", "P2", False), ("S?", "P?", True)],
)
def test_one_item_must_meet_everything_asked_of_a_sequence(step, procedure, expected):
    wanted = {
        "RequestAttributesSequence__ScheduledProcedureStepID": step,
        "RequestAttributesSequence__RequestedProcedureID": procedure,
    }
    assert found(REQUESTED, **wanted) == expected


def test_sequences_in_sequences_are_searched():
    path = "RequestAttributesSequence__ScheduledProtocolCodeSequence__CodeValue"
    assert found(REQUESTED, **{path: "B"})
    assert not found(REQUESTED, **{path: "C"})
    step = {"RequestAttributesSequence__ScheduledProcedureStepID": "S1"}
    assert not found(REQUESTED, **{path: "B"}, **step)


def test_an_empty_sequence_can_be_asked_for():
    how = How(empty=True)
    assert found(document(), how=how, RequestAttributesSequence='""')
    assert not found(REQUESTED, how=how, RequestAttributesSequence='""')


STUDY = {"StudyDate": "20060706", "StudyTime": "0900"}


@pytest.mark.parametrize(
    ("date", "time", "expected"),
    [
        ("20060705-20060707", "1000-1800", True),  # PS3.4 C.2.2.2.5.4, note
        ("20060706-20060707", "1000-1800", False),
        ("20060706-", "0800-", True),
        ("20060706-", "1000-", False),
        ("20060705-", "1000-", True),
        ("-20060706", "-0830", False),
        ("-20060707", "-0830", True),
        ("20060706", "1000-1800", False),
        ("20060706", "0800-1000", True),
        ("20060705-", "-0830", False),
        ("20060705-20060706", "1800-1000", True),
        ("20060705-20060706", "1800-0830", False),
    ],
)
def test_a_range_of_dates_and_one_of_times_are_one_range_of_moments(date, time, expected):
    assert found(document(**STUDY), StudyDate=date, StudyTime=time) == expected


@pytest.mark.parametrize("date", ["", "20060705-", "20060705"])
def test_times_over_midnight_need_two_dates(date):
    with pytest.raises(UnfitValue):
        found(document(**STUDY), StudyDate=date, StudyTime="2200-0200")


@pytest.mark.parametrize(
    ("zone", "wanted", "expected"),
    [
        (60, {"StudyDate": "20240315"}, True),  # as it was told
        (540, {"StudyDate": "20240315"}, False),  # in Tokyo it was the next day
        (540, {"StudyDate": "20240316"}, True),
        (540, {"StudyTime": "0730-0731"}, True),
        (0, {"StudyTime": "2230"}, True),
        (540, {"StudyDate": "20240316-20240316", "StudyTime": "0700-0800"}, True),
        (540, {"StudyDate": "20240316", "StudyTime": "2330"}, False),
        (None, {"StudyDate": "20240315", "StudyTime": "2330"}, True),
    ],
)
def test_dates_and_times_are_meant_in_the_zone_of_the_query(zone, wanted, expected):
    study = document(StudyDate="20240315", StudyTime="2330", TimezoneOffsetFromUTC="+0100")
    assert found(study, zone, **wanted) == expected


def test_without_a_zone_of_its_own_or_a_time_a_study_is_taken_as_told():
    assert found(document(StudyDate="20240315", StudyTime="2330"), 540, StudyDate="20240315")
    told = document(StudyDate="20240315", TimezoneOffsetFromUTC="+0100")
    assert found(told, 540, StudyDate="20240315")
    assert not found(told, 540, StudyDate="20240315", StudyTime="00-23")


def test_private_elements_are_found_in_whatever_block_their_creator_took():
    ds = Dataset()
    ds.private_block(0x0009, "OTHER", create=True).add_new(0x01, "LO", "no")
    ds.private_block(0x0009, "ACME 1", create=True).add_new(0x01, "LO", "yes")
    ds.private_block(0x0009, "ACME 1").add_new(0x02, "US", 7)
    held = attributes_of(ds)
    assert "00091101" in held

    def private(tag: str, creator: str, value: str) -> bool:
        return matches([Private(tag, creator, value, How())], held)

    assert private("00091001", "ACME 1", "yes")
    assert private("00091002", "ACME 1", "7")
    assert not private("00091002", "ACME 1", "seven")
    assert not private("00091001", "ACME 2", "?*")
    assert not private("00091003", "ACME 1", "?*")
    assert matches([Private("00091003", "ACME 1", '""', How(empty=True))], held)
    assert not matches([Private("00091001", "ACME 1", '""', How(empty=True))], held)
    assert matches([Creator("00090010", "ACME 1")], held)
    assert not matches([Creator("00090010", "ACME 2")], held)

"""Conditions: what holds for which series, and what is refused when it is written."""

import time
from datetime import datetime

import pytest
from pydantic import ValidationError
from pydicom import Dataset

from gateway.routing.conditions import Condition
from gateway.routing.subject import Arrival, Subject
from standards.study import Series, Study
from tests.headers import header

REQUEST = Dataset()
REQUEST.RequestedProcedureDescription = "CT chest, nodule"
CT = header(
    Modality="CT",
    ImageType=["ORIGINAL", "PRIMARY"],
    SliceThickness=5.0,
    StudyDescription="Chest",
    StudyDate="20260314",
    StudyTime="073000",
    PatientAge="018Y",
    RequestAttributesSequence=[REQUEST],
) | {
    "00290011": {"vr": "LO", "Value": ["SIEMENS CSA HEADER"]},
    "00291108": {"vr": "CS", "Value": ["IMAGE NUM 4"]},
    "00290012": {"vr": "LO", "Value": ["ACME 1.1"]},
    "00291201": {"vr": "UN", "InlineBinary": "NDIg"},  # the bytes of "42 "
}
OTHER = Series("1.2.3.2", [header(Modality="PT", NumberOfFrames=30)] * 3)
SERIES = Series("1.2.3.1", [CT])
STUDY = Study("1.2.3", [SERIES, OTHER])
SATURDAY_NIGHT = datetime(2026, 3, 14, 23, 30).timestamp()
SUBJECT = Subject(SERIES, STUDY, Arrival("PACS", "LUNG_CT", "10.1.2.3", SATURDAY_NIGHT))


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"attribute": "Modality", "equals": "CT"}, True),
        ({"attribute": "00080060", "equals": "CT"}, True),
        ({"attribute": "Modality", "equals": "MR"}, False),
        ({"attribute": "Modality", "not_equals": "MR"}, True),
        ({"attribute": "Modality", "one_of": ["MR", "CT"]}, True),
        ({"attribute": "Modality", "none_of": ["MR", "CT"]}, False),
        ({"attribute": "ImageType", "equals": "PRIMARY"}, True),
        ({"attribute": "ImageType", "not_equals": "PRIMARY"}, False),
        ({"attribute": "StudyDescription", "contains": "CHEST"}, True),
        ({"attribute": "StudyDescription", "not_contains": "head"}, True),
        ({"attribute": "StudyDescription", "matches": "^Ch.*t$"}, True),
        ({"attribute": "StudyDescription", "not_matches": "(?i)CHEST"}, False),
        ({"attribute": "SliceThickness", "at_most": 5}, True),
        ({"attribute": "SliceThickness", "at_least": 5.1}, False),
        ({"attribute": "SliceThickness", "at_least": 4, "at_most": 6}, True),
        ({"attribute": "SliceThickness", "equals": 5}, True),
        ({"attribute": "SliceThickness", "one_of": [1, 5]}, True),
        ({"attribute": "BodyPartExamined", "equals": "CHEST"}, False),
        ({"attribute": "BodyPartExamined", "not_equals": "CHEST"}, True),
        ({"attribute": "BodyPartExamined", "exists": False}, True),
        ({"attribute": "BodyPartExamined", "exists": True}, False),
        ({"attribute": "Modality", "exists": True}, True),
        ({"attribute": "StudyDate", "at_least": "2026-03-14"}, True),
        ({"attribute": "StudyDate", "at_most": "20260313"}, False),
        ({"attribute": "StudyTime", "at_least": "07:30", "at_most": "08:00"}, True),
        ({"attribute": "PatientAge", "at_least": 18}, True),
        ({"attribute": "PatientAge", "at_least": "019Y"}, False),
        ({"attribute": "PatientAge", "at_least": "215M", "at_most": "217M"}, True),
        ({"attribute": "RequestAttributesSequence", "exists": True}, True),
        (
            {
                "attribute": "RequestAttributesSequence.RequestedProcedureDescription",
                "contains": "nodule",
            },
            True,
        ),
        ({"attribute": "(0029,xx08) SIEMENS CSA HEADER", "equals": "IMAGE NUM 4"}, True),
        ({"attribute": "(0029,xx08) SIEMENS MEDCOM HEADER", "exists": True}, False),
        ({"attribute": "0029xx01 ACME 1.1", "equals": 42}, True),
        ({"attribute": "0029xx01 ACME 1.1", "equals": "42"}, True),
        ({"attribute": "CallingAETitle", "equals": "PACS"}, True),
        ({"attribute": "CalledAETitle", "exists": False}, False),
        ({"attribute": "SourceAddress", "equals": "10.1.2.3"}, True),
        ({"attribute": "SourceAddress", "one_of": ["192.168.0.0/16", "10.1.0.0/16"]}, True),
        ({"attribute": "SourceAddress", "none_of": ["10.1.0.0/16", "fe80::/10"]}, False),
        ({"attribute": "ArrivalTime", "at_least": "22:00", "at_most": "06:00"}, True),
        ({"attribute": "ArrivalTime", "at_least": "07:00", "at_most": "19:00"}, False),
        ({"attribute": "ArrivalWeekday", "one_of": ["SAT", "SUN"]}, True),
        ({"attribute": "NumberOfStudyRelatedSeries", "equals": 2}, True),
        ({"attribute": "NumberOfStudyRelatedInstances", "equals": 4}, True),
        ({"attribute": "NumberOfSeriesRelatedInstances", "at_most": 1}, True),
        ({"attribute": "NumberOfFrames", "equals": 1}, True),
        ({"attribute": "ModalitiesInStudy", "equals": "PT"}, True),
    ],
)
def test_holds_exactly_when_a_value_passes(condition, holds):
    assert Condition.model_validate(condition).holds(SUBJECT) is holds


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"attribute": "Modalty", "equals": "CT"}, "unknown attribute 'Modalty'"),
        ({"attribute": "Modality.CodeValue", "equals": "CT"}, "unknown attribute"),
        ({"attribute": "Modality"}, "0 tests"),
        ({"attribute": "Modality", "equals": "CT", "contains": "C"}, "2 tests"),
        ({"attribute": "Modality", "matches": "("}, "not a regular expression"),
        ({"attribute": "Modality", "matches": "(?=CT)"}, "invalid perl operator"),
        ({"attribute": "Modality", "matches": "(((a{99}){9}){9})"}, "invalid repetition"),
        ({"attribute": "Modality", "matches": r"\pL{90}\pL{90}"}, "pattern too large"),
        ({"attribute": "Modality", "matches": "a" * 201}, "201 characters"),
        ({"attribute": "Modality", "equal": "CT"}, "Extra inputs"),
        ({"attribute": "Modality", "at_least": 1}, "`at_least` cannot compare"),
        ({"attribute": "Modality", "equals": 5}, "put it in quotes"),
        ({"attribute": "Modality", "equals": False}, "put yes, no, on and off in quotes"),
        ({"attribute": "SliceThickness", "at_least": "thin"}, "expected a number"),
        ({"attribute": "SliceThickness", "at_least": 5, "at_most": 3}, "nothing fulfils"),
        ({"attribute": "PatientAge", "at_least": "young"}, "018Y"),
        ({"attribute": "StudyDate", "at_least": "yesterday"}, "2026-03-14"),
        ({"attribute": "ArrivalTime", "at_least": 1320}, "in quotes"),
        ({"attribute": "SourceAddress", "equals": "ct-scanner"}, "10.1.0.0/16"),
        ({"attribute": "RequestAttributesSequence", "equals": "x"}, "is a sequence"),
    ],
)
def test_refuses_what_it_cannot_test_and_says_why(condition, told):
    with pytest.raises(ValidationError) as refused:
        Condition.model_validate(condition)
    assert told in str(refused.value)


def test_a_value_that_cannot_be_compared_does_not_hold_and_is_told_without_the_value():
    series = Series("1", [{"00101010": {"vr": "AS", "Value": ["Doe^Jane"]}}])
    condition = Condition(attribute="PatientAge", at_least=18)

    reason = condition.why_not(Subject(series, Study("1", [series])))

    assert reason is not None
    assert "its value is not years" in reason
    assert "Doe" not in reason


def test_a_catastrophic_pattern_ends_at_once():
    series = Series("1", [header(SeriesDescription="a" * 50_000 + "!")])
    condition = Condition(attribute="SeriesDescription", matches="^(a+)+$")
    began = time.perf_counter()

    assert not condition.holds(Subject(series, Study("1", [series])))

    assert time.perf_counter() - began < 2  # a backtracking engine takes years

import pytest
from pydantic import ValidationError

from gateway.routing.conditions import Condition
from tests.headers import header

CT = header(
    Modality="CT", ImageType=["ORIGINAL", "PRIMARY"], SliceThickness=5.0, StudyDescription="Chest"
)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"attribute": "Modality", "equals": "CT"}, True),
        ({"attribute": "00080060", "equals": "CT"}, True),
        ({"attribute": "Modality", "equals": "MR"}, False),
        ({"attribute": "Modality", "one_of": ["MR", "CT"]}, True),
        ({"attribute": "ImageType", "equals": "PRIMARY"}, True),
        ({"attribute": "StudyDescription", "contains": "CHEST"}, True),
        ({"attribute": "StudyDescription", "matches": "^Ch.*t$"}, True),
        ({"attribute": "SliceThickness", "at_most": 5}, True),
        ({"attribute": "SliceThickness", "at_least": 5.1}, False),
        ({"attribute": "SliceThickness", "equals": 5}, True),
        ({"attribute": "Modality", "at_least": 1}, False),
        ({"attribute": "BodyPartExamined", "equals": "CHEST"}, False),
        ({"attribute": "BodyPartExamined", "exists": False}, True),
        ({"attribute": "BodyPartExamined", "exists": True}, False),
        ({"attribute": "Modality", "exists": True}, True),
        ({"attribute": "CallingAETitle", "equals": "PACS"}, True),
        ({"attribute": "CalledAETitle", "exists": False}, True),
    ],
)
def test_holds_exactly_when_a_value_passes(condition, holds):
    assert Condition.model_validate(condition).holds(CT, {"CallingAETitle": "PACS"}) is holds


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"attribute": "Modalty", "equals": "CT"}, "unknown attribute 'Modalty'"),
        ({"attribute": "Modality"}, "0 tests"),
        ({"attribute": "Modality", "equals": "CT", "contains": "C"}, "2 tests"),
        ({"attribute": "Modality", "matches": "("}, "not a regular expression"),
        ({"attribute": "Modality", "equal": "CT"}, "Extra inputs"),
    ],
)
def test_refuses_what_it_cannot_test_and_says_why(condition, told):
    with pytest.raises(ValidationError, match=told.replace("(", r"\(")):
        Condition.model_validate(condition)

"""The response module of STOW-RS, PS3.18 Annex I."""

from pydicom import Dataset

from standards.store_response import (
    FailedInstance,
    FailureReason,
    StoredInstance,
    StoreResult,
)

ROOT = "https://host/dicom-web/studies"
STORED = StoredInstance("1.2", "1.2.3", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4")
FAILED = FailedInstance(
    FailureReason.DOES_NOT_MATCH_SOP_CLASS, "no Rows", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.5"
)
GARBAGE = FailedInstance(FailureReason.CANNOT_UNDERSTAND, "not DICOM")
BUSY = FailedInstance(FailureReason.OUT_OF_RESOURCES, "archive away", "1.2.3", "1.2.3.6")


def test_the_status_follows_what_was_stored():
    assert StoreResult([STORED]).status == 200
    assert StoreResult([STORED], [FAILED]).status == 202
    assert StoreResult([STORED], [BUSY]).status == 202
    assert StoreResult([], [FAILED]).status == 409
    assert StoreResult([], [FAILED, GARBAGE]).status == 409
    assert StoreResult([], [GARBAGE]).status == 400
    assert StoreResult([], [BUSY, BUSY]).status == 503


def test_stored_instances_are_named_with_the_url_that_gives_them_back():
    response = Dataset.from_json(StoreResult([STORED]).dataset(ROOT))
    assert f"{ROOT}/1.2" == response.RetrieveURL
    (item,) = response.ReferencedSOPSequence
    assert item.ReferencedSOPClassUID == STORED.sop_class_uid
    assert item.ReferencedSOPInstanceUID == STORED.sop_instance_uid
    assert item.RetrieveURL == f"{ROOT}/1.2/series/1.2.3/instances/1.2.3.4"
    assert "FailedSOPSequence" not in response
    assert "OtherFailuresSequence" not in response


def test_failed_instances_are_named_with_their_reason_and_garbage_apart():
    response = Dataset.from_json(StoreResult([], [FAILED, GARBAGE]).dataset(ROOT))
    (failed,) = response.FailedSOPSequence
    assert failed.ReferencedSOPInstanceUID == FAILED.sop_instance_uid
    assert failed.FailureReason == 0xA900
    (other,) = response.OtherFailuresSequence
    assert other.FailureReason == 0xC000
    assert "ReferencedSOPSequence" not in response
    assert response["RetrieveURL"].is_empty


def test_instances_of_two_studies_have_no_common_url():
    other = StoredInstance("1.9", "1.9.3", "1.2.840.10008.5.1.4.1.1.2", "1.9.3.4")
    assert StoreResult([STORED, other]).dataset(ROOT)["00081190"] == {"vr": "UR"}


def test_what_was_changed_is_told_with_its_original_and_a_reason():
    """SC-14, the response: Warning Reason 45056 and Original Attributes Sequence, status 202."""
    item = {"04000565": {"vr": "CS", "Value": ["COERCE"]}}
    coerced = StoredInstance("1.2", "1.2.3", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.9", item)
    result = StoreResult([STORED, coerced])
    assert result.status == 202
    as_it_came, changed = Dataset.from_json(result.dataset(ROOT)).ReferencedSOPSequence
    assert "WarningReason" not in as_it_came
    assert "OriginalAttributesSequence" not in as_it_came
    assert changed.WarningReason == 45056
    assert changed.OriginalAttributesSequence[0].ReasonForTheAttributeModification == "COERCE"
    assert result.warning == "1 stored with coerced attributes"
    both = StoreResult([coerced], [FAILED])
    assert both.warning == "1 of 2 not stored: no Rows; 1 stored with coerced attributes"


def test_the_warning_tells_how_many_and_why():
    assert StoreResult([STORED]).warning == ""
    assert StoreResult([STORED], [FAILED]).warning == "1 of 2 not stored: no Rows"
    both = StoreResult([], [FAILED, GARBAGE]).warning
    assert both == "2 of 2 not stored: no Rows (and 1 other reasons)"


def test_the_warning_can_be_a_header_whatever_it_quotes():
    quoted = FailedInstance(FailureReason.CANNOT_UNDERSTAND, "an attribute named '山\ud800'")
    assert StoreResult([], [quoted]).warning == (
        "1 of 1 not stored: an attribute named '\\u5c71\\ud800'"
    )

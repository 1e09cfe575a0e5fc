"""Issuer of Patient ID for instances that come without one: stored, told, and known again."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from adapters.dimse import Association
from adapters.memory import MemoryArchive
from gateway import body_spool, coercing
from gateway.completion.association_log import AssociationLog
from gateway.dimse import Listener
from gateway.ingest import Ingest, Part
from gateway.settings import Settings
from gateway.store.tables import InstanceRow
from standards.dicom_json import header_json
from standards.part10 import read_header
from tests.gateway.store_helper import Gateway, multipart, reasons, serving
from tests.instances import instance, written

ISSUER = "Hospital of Examples"


@pytest.fixture
def gateway(sqlite, tmp_path):
    issuer = {"issuer_of_patient_id": ISSUER}
    with serving(Gateway(sqlite, MemoryArchive(), tmp_path, **issuer)) as gateway:
        yield gateway


def ingest_of(database, folder, issuer: str | None, archive=None, **settings) -> Ingest:
    arrivals: list[set[str]] = []
    found = Ingest(
        database,
        archive or MemoryArchive(),
        Settings(data=folder, issuer_of_patient_id=issuer, **settings),
        lambda _, studies, __: arrivals.append(studies),
    )
    found.arrivals = arrivals
    return found


def stored(database, archive) -> list[bytes]:
    with database.read() as session:
        keys = session.query(InstanceRow.archive_key).order_by(InstanceRow.sop_instance_uid)
        return [archive.read(key) for (key,) in keys]


def archived(archive) -> list[bytes]:
    return [archive.read(key) for keys in archive.listing() for key in keys]


def without_the_change(content: bytes) -> Dataset:
    dataset = dcmread(BytesIO(content))
    del dataset.IssuerOfPatientID, dataset.OriginalAttributesSequence
    return dataset


def test_a_changed_instance_is_told_with_its_original(gateway):
    """SC-14: Original Attributes Sequence and Warning Reason 45056, status 202."""
    with_issuer = instance(2, IssuerOfPatientID="Another hospital")
    reply = gateway.post(multipart(instance(1), with_issuer))
    assert reply.status_code == 202
    changed, as_it_came = Dataset.from_json(reply.json()).ReferencedSOPSequence
    assert changed.WarningReason == 45056
    (item,) = changed.OriginalAttributesSequence
    assert item.ModifiedAttributesSequence[0]["IssuerOfPatientID"].is_empty
    assert item.ReasonForTheAttributeModification == "COERCE"
    assert "WarningReason" not in as_it_came
    assert "coerced" in reply.headers["warning"]
    assert "00081198" not in reply.json()

    first, second = stored(gateway.database, gateway.archive)
    kept = dcmread(BytesIO(first))
    assert kept.IssuerOfPatientID == ISSUER
    assert kept.OriginalAttributesSequence[0] == item
    assert without_the_change(first) == dcmread(BytesIO(instance(1)))
    assert second == with_issuer


def test_the_index_says_what_lies_in_the_archive(gateway):
    gateway.post(multipart(instance(1)))
    (content,) = stored(gateway.database, gateway.archive)
    with gateway.database.read() as session:
        row = session.query(InstanceRow).one()
        assert row.size == len(content)
        assert row.header == header_json(read_header(content))
        found = gateway.ingest.reader.read(Part(content)).kept.instance
        assert {name: getattr(row, name) for name in found} | {"archive_key": ""} == found


def test_the_same_original_again_is_known_and_nothing_new(gateway):
    first = gateway.post(multipart(instance(1)))
    coercing._moment.cache_clear()  # as after a restart: the change would have another time
    again = gateway.post(multipart(instance(1)))
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()  # it tells of the stored change, time and all
    assert gateway.count() == 1
    assert len(gateway.arrivals) == 1
    assert len(archived(gateway.archive)) == 1


def test_the_same_original_written_differently_is_known_too(gateway):
    gateway.post(multipart(instance(1, ReferencedImageSequence=[Dataset()])))
    dataset = dcmread(BytesIO(instance(1, ReferencedImageSequence=[Dataset()])))
    dataset["ReferencedImageSequence"].is_undefined_length = True
    other = written(dataset)
    assert other != instance(1, ReferencedImageSequence=[Dataset()])
    assert gateway.post(multipart(other)).status_code == 202
    assert gateway.count() == 1


def test_what_was_changed_here_may_be_sent_back(gateway):
    gateway.post(multipart(instance(1)))
    (content,) = stored(gateway.database, gateway.archive)
    assert gateway.post(multipart(content)).status_code == 200
    assert gateway.count() == 1


def test_other_content_is_still_another(gateway):
    gateway.post(multipart(instance(1)))
    reply = gateway.post(multipart(instance(1, StudyID="2")))
    assert (reply.status_code, reasons(reply, "00081198")) == (409, [0x0110])


@pytest.mark.parametrize(("before", "after"), [(None, ISSUER), (ISSUER, None), (ISSUER, "Other")])
def test_what_came_before_the_setting_changed_is_known(database, tmp_path, before, after):
    archive = MemoryArchive()
    one = ingest_of(database, tmp_path, before, archive)
    one.receive([Part(instance(1))])
    two = ingest_of(database, tmp_path, after, archive)
    result = two.receive([Part(instance(1))]).result
    assert (result.failed, len(result.stored)) == ((), 1)
    assert result.coerced == (1 if before and after else 0)
    assert two.arrivals == []
    assert len(archived(archive)) == 1
    for ingest in (one, two):
        ingest.close()


@pytest.mark.parametrize(
    "transfer_syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian]
)
def test_every_form_is_stored_in_its_transfer_syntax(gateway, transfer_syntax):
    content = written(dcmread(BytesIO(instance(1))), transfer_syntax)
    assert gateway.post(multipart(content)).status_code == 202
    (kept,) = stored(gateway.database, gateway.archive)
    assert dcmread(BytesIO(kept)).file_meta == dcmread(BytesIO(content)).file_meta
    assert without_the_change(kept) == dcmread(BytesIO(content))


def test_a_deflated_instance_is_stored_inflated_and_known_again(gateway):
    content = written(dcmread(BytesIO(instance(1))), DeflatedExplicitVRLittleEndian)
    for _ in range(2):
        assert gateway.post(multipart(content)).status_code == 202
        coercing._moment.cache_clear()
    (kept,) = stored(gateway.database, gateway.archive)
    assert dcmread(BytesIO(kept)).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert without_the_change(kept) == dcmread(BytesIO(content))


def test_compressed_frames_are_not_touched(gateway):
    dataset = dcmread(BytesIO(instance(1)))
    dataset.compress(RLELossless, generate_instance_uid=False)
    assert gateway.post(multipart(written(dataset, RLELossless))).status_code == 202
    (kept,) = stored(gateway.database, gateway.archive)
    assert dcmread(BytesIO(kept)).PixelData == dataset.PixelData


def test_an_instance_without_file_meta_information_gets_both(gateway):
    content = instance(1)
    bare = content[read_header(content).data_set_offset :]
    assert gateway.post(bare, "application/dicom").status_code == 202
    (kept,) = stored(gateway.database, gateway.archive)
    assert without_the_change(kept) == dcmread(BytesIO(content))
    assert gateway.post(content, "application/dicom").status_code == 202
    assert gateway.count() == 1


def test_large_instances_pass_through_the_spool_and_leave_it_empty(gateway, monkeypatch):
    monkeypatch.setattr(body_spool, "LARGEST_IN_MEMORY", 200)
    monkeypatch.setattr(coercing, "_IN_MEMORY", 200)
    monkeypatch.setattr(coercing, "_PIECE", 100)
    assert gateway.post(multipart(instance(1), instance(2))).status_code == 202
    assert gateway.post(multipart(instance(1, StudyID="2"))).status_code == 409
    kept = stored(gateway.database, gateway.archive)
    assert [without_the_change(c) for c in kept] == [dcmread(BytesIO(instance(n))) for n in (1, 2)]
    assert list(gateway.settings.spool.iterdir()) == []


def test_the_same_instance_from_two_senders_at_once_is_changed_once(gateway):
    with ThreadPoolExecutor(8) as senders:
        replies = list(senders.map(lambda _: gateway.post(multipart(instance(1))), range(16)))
    assert {reply.status_code for reply in replies} == {202}
    assert gateway.count() == 1
    assert len(archived(gateway.archive)) == 1


def test_a_c_store_is_changed_and_told_by_its_status(database, tmp_path):
    ingest = ingest_of(database, tmp_path, ISSUER)
    listener = Listener(ingest, AssociationLog(database))
    status = listener.receive(Association(1, "SENDER", "AIRGATE"), instance(1))
    assert status.code == 0xB000
    (kept,) = stored(database, ingest.archive)
    assert dcmread(BytesIO(kept)).IssuerOfPatientID == ISSUER
    sent_again = listener.receive(Association(1, "SENDER", "AIRGATE"), instance(1))
    assert (sent_again.code, len(ingest.arrivals)) == (0xB000, 1)
    ingest.close()


def test_results_of_our_own_are_not_changed(sqlite, tmp_path):
    ingest = ingest_of(sqlite, tmp_path, ISSUER)
    ingest.keep([Part(instance(1))])
    assert archived(ingest.archive) == [instance(1)]
    ingest.close()


def test_without_the_setting_nothing_is_changed(sqlite, tmp_path):
    ingest = ingest_of(sqlite, tmp_path, None)
    result = ingest.receive([Part(instance(1))]).result
    assert (result.status, result.coerced) == (200, 0)
    assert stored(sqlite, ingest.archive) == [instance(1)]
    ingest.close()


@pytest.mark.parametrize("issuer", ["Köln", "a\\b", " ", "x" * 65, "line\nbreak"])
def test_an_issuer_that_not_every_instance_could_hold_is_refused_at_the_start(tmp_path, issuer):
    with pytest.raises(ValueError, match="issuer_of_patient_id"):
        Settings(data=tmp_path, issuer_of_patient_id=issuer)

"""C-STORE from DCMTK and pynetdicom into the real ingest."""

import os
import shutil
import subprocess
import threading
from io import BytesIO

import pytest
from pydicom import dcmread

from adapters.dimse import storage_classes
from adapters.errors import DimseNotListening
from gateway.dimse import run_listener
from gateway.errors import NotConfigured
from gateway.ingest import Part
from gateway.settings import Settings
from gateway.store.tables import InstanceRow, StudyRow
from tests.gateway.dimse_helper import Listening, serving
from tests.instances import instance
from tests.orthanc_server import until
from tests.shared_data import shared_data

LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"


@pytest.fixture
def listening(sqlite, tmp_path):
    with serving(Listening(sqlite, tmp_path)) as listening:
        yield listening


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed (apt-get install dcmtk)")
    environment = {**os.environ, "TCP_NODELAY": "1"}
    return subprocess.run(
        [name, *arguments], capture_output=True, text=True, env=environment, check=False
    )


def test_dcmtk_gets_its_echo(listening):
    assert tool("echoscu", "127.0.0.1", str(listening.port)).returncode == 0


def test_a_series_from_storescu_is_kept_with_who_called_whom(listening, tmp_path):
    paths = []
    for number in range(1, 6):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(instance(number))
    sent = tool(
        "storescu",
        *("-aet", "SCANNER", "-aec", "LUNG_CT", "127.0.0.1", str(listening.port)),
        *map(str, paths),
    )
    assert sent.returncode == 0, sent.stderr
    assert len(listening.rows(InstanceRow)) == 5
    (study,) = listening.rows(StudyRow)
    assert (study.calling_ae_title, study.called_ae_title) == ("SCANNER", "LUNG_CT")
    assert study.source_address == "127.0.0.1"
    assert len(listening.arrivals) == 5
    until(lambda: bool(listening.events("received")))
    (event,) = listening.events("received")  # one line for the association, not five
    assert (event["instances"], event["source"], event["calling_ae_title"]) == (
        5,
        "C-STORE",
        "SCANNER",
    )
    kept = dcmread(BytesIO(listening.archive.read(listening.rows(InstanceRow)[0].archive_key)))
    assert kept.PixelData == dcmread(BytesIO(instance(1))).PixelData


def test_what_came_by_stow_may_come_by_c_store_again(listening, tmp_path):
    listening.ingest.receive([Part(instance(1))])
    path = tmp_path / "1.dcm"
    path.write_bytes(instance(1))
    sent = tool("storescu", "127.0.0.1", str(listening.port), str(path))
    assert sent.returncode == 0, sent.stderr
    assert len(listening.rows(InstanceRow)) == 1
    assert len(listening.arrivals) == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"Rows": 64}, 0xA900), ({"StudyInstanceUID": ""}, 0xC000)],
)
def test_what_is_refused_gets_the_status_of_its_reason(listening, changes, status):
    assert listening.send(dcmread(BytesIO(instance(1, **changes)))) == status
    assert listening.rows(InstanceRow) == []
    assert len(listening.events("refused")) == 1


def test_other_content_and_other_patients_are_refused(listening):
    assert listening.send(dcmread(BytesIO(instance(1)))) == 0
    assert listening.send(dcmread(BytesIO(instance(1, StudyID="other")))) == 0x0110
    assert listening.send(dcmread(BytesIO(instance(2, PatientID="P2")))) == 0x0110


def test_while_the_archive_is_away_the_sender_is_out_of_luck_but_not_of_data(listening):
    listening.archive.away = True
    assert listening.send(dcmread(BytesIO(instance(1)))) == 0xA700
    assert listening.rows(InstanceRow) == []
    listening.archive.away = False
    assert listening.send(dcmread(BytesIO(instance(1)))) == 0


def test_every_storage_class_is_accepted_label_maps_included(listening):
    assert LABEL_MAP_SEGMENTATION in storage_classes()
    label_map = dcmread(BytesIO(instance(1, SOPClassUID=LABEL_MAP_SEGMENTATION)))
    assert listening.send(label_map) == 0


def test_real_files_of_many_transfer_syntaxes_are_kept_as_they_are(listening):
    kept = 0
    for path in sorted(shared_data("transfer_syntaxes").glob("*.dcm")):
        dataset = dcmread(path)
        if "StudyInstanceUID" not in dataset:
            continue  # the HTJ2K samples are no whole instances
        dataset.SOPInstanceUID = f"1.2.826.0.5.{kept}"  # the collection shares one on purpose
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        assert listening.send(dataset) == 0, path.name
        row = next(
            row
            for row in listening.rows(InstanceRow)
            if row.sop_instance_uid == dataset.SOPInstanceUID
        )
        assert row.transfer_syntax_uid == dataset.file_meta.TransferSyntaxUID
        reread = dcmread(BytesIO(listening.archive.read(row.archive_key)))
        assert reread.PixelData == dataset.PixelData
        kept += 1
    assert kept > 10


def test_four_associations_at_once_lose_nothing(listening):
    def send(first: int) -> None:
        for number in range(first, first + 5):
            assert listening.send(dcmread(BytesIO(instance(number)))) == 0

    threads = [threading.Thread(target=send, args=(first,)) for first in (1, 11, 21, 31)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(listening.rows(InstanceRow)) == 20


def test_a_taken_port_is_told_with_its_setting(listening, sqlite, tmp_path):
    with pytest.raises(DimseNotListening, match="AIRGATE_DICOM"):
        run_listener(listening.settings, listening.ingest, threading.Event())
    off = Settings(data=tmp_path, dicom="off")
    with pytest.raises(NotConfigured):
        run_listener(off, listening.ingest, threading.Event())

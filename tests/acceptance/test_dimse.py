"""A study sent by C-STORE, as PACS and modalities do: the same way, the same results."""

import os
import shutil
import signal
import subprocess
from io import BytesIO

import pytest
from pydicom import dcmread
from pynetdicom import AE

from tests.instances import instance
from tests.phantom import chest_phantom
from tests.postgresql import free_port
from tests.serving import Gateway, wait_until

pytestmark = pytest.mark.serve


def echoes(port: int) -> bool:
    command = ["echoscu", "-aec", "AIRGATE", "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_study_by_c_store_gets_its_results(tmp_path):
    if shutil.which("storescu") is None:
        pytest.skip("DCMTK is not installed (apt-get install dcmtk)")
    phantom = chest_phantom(matrix=192)
    phantom.write(tmp_path / "series")
    study = str(phantom.instances[0].StudyInstanceUID)
    port = free_port()
    settings = {"dicom": f"AIRGATE@127.0.0.1:{port}", "quiet_seconds": "3600"}
    with Gateway(tmp_path / "data", **settings) as gateway:
        wait_until(lambda: echoes(port), 60, lambda: gateway.log)
        titles = ("-aet", "SCANNER", "-aec", "AIRGATE")
        series = tmp_path / "series"
        subprocess.run(["storescu", *titles, "+sd", "127.0.0.1", str(port), series], check=True)
        (workitem,) = gateway.await_end(study)
        (received, *_) = events = gateway.trace(study)["events"]

    assert workitem["outcome"] == "DONE"
    assert received["detail"]["calling_ae_title"] == "SCANNER"
    (complete,) = [event["detail"] for event in events if event["kind"] == "complete"]
    assert complete["evidence"] == "association_released"  # no quiet time has passed


def test_a_listener_that_is_killed_leaves_no_association_open_for_ever(tmp_path):
    """The open association promises more of its study; who held it beats no more."""
    port = free_port()
    settings = {"dicom": f"AIRGATE@127.0.0.1:{port}", "incomplete_seconds": "3600"}
    image = dcmread(BytesIO(instance(1)))
    study = str(image.StudyInstanceUID)
    sender = AE("SCANNER")
    sender.add_requested_context(image.SOPClassUID, image.file_meta.TransferSyntaxUID)
    with Gateway(tmp_path / "data", **settings) as gateway:
        wait_until(lambda: echoes(port), 60, lambda: gateway.log)
        association = sender.associate("127.0.0.1", port)
        assert association.send_c_store(image).Status == 0
        for pid in gateway.children("gateway.cli dimse"):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: gateway.trace(study)["study"]["state"] == "COMPLETE", 60, lambda: "")
        events = gateway.trace(study)["events"]
        association.abort()

    (complete,) = [event["detail"] for event in events if event["kind"] == "complete"]
    assert complete["evidence"] == "quiet_time"

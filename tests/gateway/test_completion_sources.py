"""The source of a study, asked for its count by QIDO-RS and C-FIND, as evidence."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from fastapi import FastAPI, Response
from pydantic import ValidationError
from pydicom import dcmread
from pynetdicom import AE

from adapters.errors import SourceSilent
from adapters.source_count import count_at
from gateway.completion.source_counts import SourceCounts
from gateway.settings import Settings
from gateway.store.tables import StudyRow
from tests.gateway.completion_helper import STUDY, House
from tests.instances import instance
from tests.orthanc_server import OrthancServer, needs_orthanc, until
from tests.postgresql import free_port
from tests.serving import served


class Source:
    """Answers what the test says, and counts how often it was asked."""

    def __init__(self, answer: int | None) -> None:
        self.answer, self.asked = answer, 0

    def __call__(self, where: str, study: str) -> int:
        assert (where, study) == ("PACS@pacs.example:104", STUDY)
        self.asked += 1
        if self.answer is None:
            raise SourceSilent("no association")
        return self.answer


def house(database, source: Source, title: str = "CT1") -> House:
    """Its source is asked after 5 s of quiet, its quiet time is 10 s."""
    pool = ThreadPoolExecutor(1)
    evidence = SourceCounts(database, {title: "PACS@pacs.example:104"}, source, 5.0, pool)
    study = House(database, [evidence])
    study.arrives(1)
    with database.write() as session:
        session.get_one(StudyRow, STUDY).calling_ae_title = "CT1"
    study.pool = pool  # type: ignore[attr-defined]
    return study


def asks(study: House) -> None:
    """Five seconds of quiet; the source has been asked, and its answer is there."""
    assert study.passes(5) == 0
    study.pool.submit(lambda: None).result()  # type: ignore[attr-defined]  (one thread: all is done)


@pytest.mark.parametrize("title", ["CT1", "*"])
def test_a_study_is_complete_when_its_source_has_no_more(database, title):
    source = Source(1)
    study = house(database, source, title)
    asks(study)
    assert study.passes(0.5) == 1
    assert study.evidence == {
        "evidence": "source_count",
        "generation": 1,
        "source": title,
        "expected": 1,
        "arrived": 1,
    }
    assert source.asked == 1


def test_what_the_source_has_more_is_waited_for_and_asked_again_after_it_came(database):
    source = Source(2)
    study = house(database, source)
    asks(study)
    assert study.passes(20) == 0
    study.arrives(2)
    asks(study)
    assert study.passes(0.5) == 1
    assert (study.evidence["expected"], source.asked) == (2, 2)


def test_a_silent_source_leaves_it_to_the_quiet_time(sqlite):
    study = house(sqlite, Source(None))
    asks(study)
    assert study.passes(4.5) == 0
    assert study.passes(0.5) == 1
    assert study.evidence["evidence"] == "quiet_time"


def test_a_source_that_hangs_holds_up_no_sweep_and_is_given_up(sqlite):
    hangs = threading.Event()

    def ask(_where: str, _study: str) -> int:
        hangs.wait()
        return 1

    evidence = SourceCounts(sqlite, {"*": "PACS@pacs.example:104"}, ask, 5.0)
    study = House(sqlite, [evidence])
    study.arrives(1)
    try:
        assert study.passes(5.5) == 0
        until(lambda: study.asked_for("SOURCE"))
        assert study.passes(60) == 1
        assert study.evidence["evidence"] == "quiet_time"
    finally:
        hangs.set()
        evidence.threads.shutdown()


def test_other_senders_have_no_source(sqlite):
    source = Source(1)
    study = house(sqlite, source, title="MR7")
    assert study.passes(10) == 1
    assert source.asked == 0


def test_a_qido_service_is_asked(gateway, root):
    with gateway.database.read() as session:
        row = session.query(StudyRow).first()
    count = count_at(root, row.study_instance_uid, "AIRGATE")
    assert count == row.number_of_instances > 0
    assert count_at(root, "1.2.3.4.5", "AIRGATE") == 0


@pytest.mark.parametrize(
    "reply",
    [
        Response(status_code=503),
        Response(b"<html>"),
        Response(b"[{}]"),
        Response(b'[{"00201208": {"vr": "IS"}}]'),
        Response(b'{"count": 1}'),
        Response(b" " * (2 << 20)),
    ],
    ids=["away", "no json", "no count", "no value", "another form", "huge"],
)
def test_a_bad_answer_is_told_without_its_address(reply):
    app = FastAPI()
    app.get("/studies")(lambda: reply)
    with served(app) as url, pytest.raises(SourceSilent) as error:
        count_at(url, STUDY, "AIRGATE")
    assert "127.0.0.1" not in str(error.value)


def test_nobody_at_the_address_is_told():
    for source in (f"http://127.0.0.1:{free_port()}", f"PACS@127.0.0.1:{free_port()}"):
        with pytest.raises(SourceSilent):
            count_at(source, STUDY, "AIRGATE")


def test_a_node_that_accepts_and_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr("adapters.source_count.SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for source in (f"http://127.0.0.1:{port}", f"PACS@127.0.0.1:{port}"):
            with pytest.raises(SourceSilent):
                count_at(source, STUDY, "AIRGATE")


def test_a_pacs_is_asked_by_c_find(tmp_path):
    """Orthanc stands for it."""
    needs_orthanc()
    orthanc = OrthancServer(tmp_path / "orthanc")
    orthanc.start()
    try:
        images = [dcmread(BytesIO(instance(number))) for number in (1, 2, 3)]
        sender = AE("CT1")
        sender.add_requested_context(images[0].SOPClassUID, images[0].file_meta.TransferSyntaxUID)
        association = sender.associate("127.0.0.1", orthanc.dicom_port)
        for image in images:
            assert association.send_c_store(image).Status == 0
        association.release()

        source = f"ORTHANC@127.0.0.1:{orthanc.dicom_port}"
        assert count_at(source, str(images[0].StudyInstanceUID), "AIRGATE") == 3
        assert count_at(source, "1.2.3.4.5", "AIRGATE") == 0
    finally:
        orthanc.stop()


def test_sources_are_read_from_one_setting():
    settings = Settings(sources="CT1=PACS@10.0.0.7:104 *=https://pacs.example/dicom-web")
    assert settings.sources_by_title == {
        "CT1": "PACS@10.0.0.7:104",
        "*": "https://pacs.example/dicom-web",
    }
    for wrong in ("CT1", "CT1=pacs.example", "CT1=PACS@host", "=PACS@host:104"):
        with pytest.raises(ValidationError):
            Settings(sources=wrong)

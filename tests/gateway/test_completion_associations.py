"""Associations as evidence, with storescu and pynetdicom as senders, and a listener that dies."""

import os
import shutil
import subprocess
import time
from io import BytesIO

import pytest
from pydicom import dcmread
from pynetdicom import AE
from sqlalchemy import update

from gateway.completion import Completion, QuietTime, note_arrival
from gateway.completion.associations import LOST_AFTER_SECONDS, AssociationReleased, State
from gateway.store.tables import AssociationRow, EventRow, StudyRow
from tests.gateway.dimse_helper import Listening, serving
from tests.instances import instance
from tests.orthanc_server import until


@pytest.fixture
def listening(database, tmp_path):
    listening = Listening(database, tmp_path)
    listening.ingest.on_arrival = note_arrival
    with serving(listening) as listening:
        yield listening


def completion(listening, seconds: float = 0.0) -> Completion:
    evidence = [AssociationReleased(seconds)]
    quiet = QuietTime(1000)
    return Completion(listening.database, quiet, lambda *_: None, evidence=evidence)


def image(number: int, **changes):
    return dcmread(BytesIO(instance(number, **changes)))


def associate(listening, calling="SCANNER"):
    sender = AE(calling)
    first = image(1)
    sender.add_requested_context(first.SOPClassUID, first.file_meta.TransferSyntaxUID)
    association = sender.associate("127.0.0.1", listening.port)
    assert association.is_established
    return association


def states(listening) -> list[str]:
    return sorted(row.state for row in listening.rows(AssociationRow))


def test_a_study_from_storescu_is_complete_when_its_association_is_released(listening, tmp_path):
    if shutil.which("storescu") is None:
        pytest.skip("storescu is not installed (apt-get install dcmtk)")
    paths = [tmp_path / f"{number}.dcm" for number in (1, 2, 3)]
    for number, path in enumerate(paths, start=1):
        path.write_bytes(instance(number))
    command = ["storescu", "-aet", "CT1", "127.0.0.1", str(listening.port), *map(str, paths)]
    environment = {**os.environ, "TCP_NODELAY": "1"}
    assert subprocess.run(command, check=False, env=environment).returncode == 0
    until(lambda: states(listening) == [State.RELEASED])

    assert completion(listening).sweep() == 1
    (complete,) = listening.events("complete")
    assert complete["evidence"] == "association_released"
    assert (complete["calling_ae_title"], complete["associations"]) == ("CT1", 1)


def test_an_open_association_that_brings_the_study_is_a_promise_of_more(listening):
    first, second = associate(listening), associate(listening, "OTHER")
    assert first.send_c_store(image(1)).Status == 0
    assert second.send_c_store(image(2)).Status == 0
    first.release()
    until(lambda: states(listening) == [State.OPEN, State.RELEASED])
    assert completion(listening).sweep() == 0

    second.release()
    until(lambda: states(listening) == [State.RELEASED] * 2)
    assert completion(listening, seconds=1000).sweep() == 0
    assert completion(listening).sweep() == 1


def test_one_that_brings_another_study_by_now_promises_nothing_until_it_is_released(listening):
    association = associate(listening)
    assert association.send_c_store(image(1)).Status == 0
    assert association.send_c_store(image(2, **another_study())).Status == 0
    assert states(listening) == [State.ELSEWHERE, State.OPEN]
    assert completion(listening).sweep() == 0
    association.release()
    until(lambda: states(listening) == [State.RELEASED] * 2)
    assert completion(listening).sweep() == 2


def test_an_aborted_association_says_nothing(listening):
    association = associate(listening)
    assert association.send_c_store(image(1)).Status == 0
    association.abort()
    until(lambda: states(listening) == [State.LOST])
    assert completion(listening).sweep() == 0


def test_what_came_another_way_afterwards_is_not_covered(listening):
    listening.send(image(1))
    until(lambda: states(listening) == [State.RELEASED])
    with listening.database.write() as session:
        (study,) = [row.study_instance_uid for row in listening.rows(StudyRow)]
        note_arrival(session, [study], time.time())
    assert completion(listening).sweep() == 0


def test_associations_of_a_listener_that_died_are_not_open_for_ever(listening):
    """Its beat stops with it: here it is set back instead."""
    association = associate(listening)
    assert association.send_c_store(image(1)).Status == 0
    quiet = QuietTime(0, incomplete_seconds=1000)
    evidence = [AssociationReleased(0)]

    def sweep() -> int:
        return Completion(listening.database, quiet, lambda *_: None, evidence=evidence).sweep()

    assert sweep() == 0
    with listening.database.write() as session:
        long_ago = time.time() - LOST_AFTER_SECONDS - 1
        session.execute(update(AssociationRow).values(beat_at=long_ago))
    assert sweep() == 1
    (event,) = [row for row in listening.rows(EventRow) if row.kind == "complete"]
    assert "quiet_time" in event.detail
    association.release()


def another_study() -> dict[str, str]:
    return {"StudyInstanceUID": "1.2.826.0.9.1", "SeriesInstanceUID": "1.2.826.0.9.2"}

"""Models that hang, work that ends its workers, and databases and archives that go away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.failures import MAXIMUM_ATTEMPTS
from tests import quick_model
from tests.orthanc_server import needs_orthanc
from tests.postgresql import PostgreSQL
from tests.quick_model import TinyStudy, tiny_study
from tests.serving import ROOT, Gateway, wait_until

pytestmark = pytest.mark.serve


@contextmanager
def gateway(folder: Path, **settings: str) -> Iterator[Gateway]:
    """With the quick model and a rule that gives it every CT."""
    rules = str(quick_model.write_rules(folder))
    defaults = {"rules": rules, "archive": "folder", "quiet_seconds": "0.3"}
    with Gateway(folder / "data", **defaults | settings) as started:
        quick_model.register(started)
        yield started


def store(gateway: Gateway, study: TinyStudy) -> None:
    status, answer = gateway.client.store(study.write(gateway.data.parent / study.uid))
    assert status == 200, answer


def claims(gateway: Gateway, study: TinyStudy) -> list[dict]:
    return [e for e in gateway.trace(study.uid)["events"] if e["kind"] == "claimed"]


def await_claim(gateway: Gateway, study: TinyStudy) -> None:
    wait_until(lambda: bool(claims(gateway, study)), 60, lambda: gateway.log)


def assert_one_result(gateway: Gateway, study: TinyStudy) -> dict:
    (workitem,) = gateway.await_end(study.uid)
    assert workitem["outcome"] == "DONE", workitem
    (result,) = gateway.results(study.uid)
    assert sorted(one["kind"] for one in result["objects"]) == sorted(quick_model.OBJECTS)
    instances = gateway.client.json(f"/dicom-web/studies/{study.uid}/instances")
    assert len(instances) == len(study.contents) + len(quick_model.OBJECTS)
    return workitem


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """For tests that leave it as they found it."""
    with gateway(tmp_path_factory.mktemp("shared"), workers="2") as one:
        yield one


def test_a_cancel_request_stops_the_model_and_the_next_study_is_done(shared):
    slow, next_one = tiny_study(1, "sleep 600"), tiny_study(2)
    store(shared, slow)
    await_claim(shared, slow)
    uid = shared.client.json("/api/v1/workitems")[0]["workitem_uid"]
    command = [sys.executable, "-m", "gateway.cli", "workitems", "cancel", uid]
    command += ["--reason", "wrong patient"]
    subprocess.run(command, env=shared.environment, check=True, cwd=ROOT)

    (workitem,) = shared.await_end(slow.uid)

    assert (workitem["outcome"], workitem["reason"]) == ("CANCELED", "wrong patient")
    store(shared, next_one)
    assert_one_result(shared, next_one)


def test_what_kills_its_workers_is_given_up_and_replayed_by_hand(shared):
    poison, good = tiny_study(3, "sleep 600"), tiny_study(4)
    store(shared, poison)
    for times in range(1, MAXIMUM_ATTEMPTS + 1):
        wait_until(lambda n=times: len(claims(shared, poison)) == n, 60, lambda: shared.log)
        slot = claims(shared, poison)[-1]["detail"]["worker"].rpartition("-")[2]
        (worker,) = shared.children(f"gateway.cli worker --slot {slot}")
        os.kill(worker, signal.SIGKILL)
        if times == 1:
            store(shared, good)
            assert_one_result(shared, good)

    (workitem,) = shared.await_end(poison.uid)

    assert (workitem["outcome"], workitem["attempts"]) == ("FAILED", 6)
    (dead,) = shared.client.json("/api/v1/workitems?dead=true")
    assert dead["study_instance_uid"] == poison.uid
    command = [sys.executable, "-m", "gateway.cli", "workitems", "replay", dead["workitem_uid"]]
    subprocess.run(command, env=shared.environment, check=True, cwd=ROOT)
    assert shared.client.json("/api/v1/workitems?dead=true") == []
    wait_until(lambda: len(claims(shared, poison)) > 6, 60, lambda: shared.log)
    again = next(one for one in shared.trace(poison.uid)["workitems"] if not one["outcome"])
    command = [*command[:4], "cancel", again["workitem_uid"]]
    subprocess.run(command, env=shared.environment, check=True, cwd=ROOT)


def test_another_worker_on_the_same_postgresql_finishes_what_a_killed_one_had(tmp_path, postgresql):
    url = postgresql.new_database()
    with gateway(tmp_path, workers="0", database_url=url) as one, two_workers(one) as workers:
        study = tiny_study(1, "sleep 3")
        store(one, study)
        await_claim(one, study)
        first = claims(one, study)[0]["detail"]["worker"]
        killed_at = time.time()
        workers[first.rpartition("-")[2]].kill()

        workitem = assert_one_result(one, study)

        again = claims(one, study)[1]
        assert again["detail"]["worker"] != first
        assert workitem["attempts"] == 2
        # 6 s of silence, 2 s between looks: some 8 s on a machine that has nothing else to do.
        assert again["at"] - killed_at < 60


@contextmanager
def two_workers(gateway: Gateway) -> Iterator[dict[str, subprocess.Popen]]:
    """By slot. Nobody starts them again."""
    workers = {slot: gateway.worker(slot) for slot in ("0", "1")}
    try:
        yield workers
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()


def test_a_database_that_restarts_delays_the_work_and_loses_nothing(tmp_path):
    server = PostgreSQL()
    try:
        with gateway(tmp_path, database_url=server.new_database()) as one:
            under_way, later = tiny_study(1, "sleep 3"), tiny_study(2)
            store(one, under_way)
            await_claim(one, under_way)

            server.restart()

            assert assert_one_result(one, under_way)["attempts"] == 1
            store(one, later)
            assert_one_result(one, later)
    finally:
        server.stop()


def test_an_archive_that_answers_no_more_for_a_while_delays_the_work_and_loses_nothing(tmp_path):
    needs_orthanc()
    with gateway(tmp_path, archive="orthanc") as one:
        study = tiny_study(1, "sleep 2")
        store(one, study)
        await_claim(one, study)
        (orthanc,) = one.children("/Orthanc")
        os.kill(orthanc, signal.SIGSTOP)
        time.sleep(5)
        os.kill(orthanc, signal.SIGCONT)

        assert_one_result(one, study)

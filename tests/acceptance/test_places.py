"""A model that may run once at a time: several workers keep to it, over a kill."""

import itertools
import os
import signal

import pytest

from tests import quick_model
from tests.quick_model import tiny_study
from tests.serving import Gateway, wait_until

pytestmark = pytest.mark.serve


def test_one_place_is_never_taken_twice_even_when_the_worker_that_has_it_is_killed(
    tmp_path, postgresql
):
    settings = {"workers": "2", "archive": "folder", "quiet_seconds": "0.3"}
    rules = str(quick_model.write_rules(tmp_path))
    url = postgresql.new_database()
    with Gateway(tmp_path / "data", database_url=url, rules=rules, **settings) as gateway:
        quick_model.register(gateway, resources="concurrency = 1")
        studies = [tiny_study(number, "sleep 1") for number in range(3)]
        for study in studies:
            gateway.client.store(study.write(tmp_path / study.uid))
        wait_until(lambda: bool(_performed(gateway)), 60, lambda: gateway.log)
        _kill_the_worker_of(gateway, _performed(gateway)[0])

        ended = [gateway.await_end(study.uid)[0] for study in studies]

        assert [one["outcome"] for one in ended] == ["DONE"] * 3
        assert sorted(one["attempts"] for one in ended) == [1, 1, 2]
        times = sorted((one["started_at"], one["ended_at"]) for one in ended)
        assert all(former[1] <= later[0] for former, later in itertools.pairwise(times))


def _performed(gateway: Gateway) -> list[dict]:
    return gateway.client.json("/api/v1/workitems?state=IN%20PROGRESS")


def _kill_the_worker_of(gateway: Gateway, workitem: dict) -> None:
    events = gateway.trace(workitem["study_instance_uid"])["events"]
    (worker,) = [one["detail"]["worker"] for one in events if one["kind"] == "claimed"]
    (pid,) = gateway.children(f"worker --slot {worker.rpartition('-')[2]} ")
    os.kill(pid, signal.SIGKILL)

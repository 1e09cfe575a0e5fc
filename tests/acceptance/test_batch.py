"""A batch in a whole gateway, ordered on the command line: its results, its trace, the figures."""

import pytest

from tests.acceptance.test_bad_operation import airgate
from tests.quick_model import register, tiny_study
from tests.serving import Gateway, wait_until

pytestmark = pytest.mark.serve


def ended(gateway: Gateway) -> float:
    """How much work of the model has ended well, by /metrics."""
    lines = gateway.client.get("/metrics").text.splitlines()
    of_model = [
        line
        for line in lines
        if line.startswith("airgate_ended_workitems_total{")
        and 'model="quick"' in line
        and 'outcome="done"' in line
    ]
    return sum(float(line.rpartition(" ")[2]) for line in of_model)


def test_a_batch_on_the_command_line_runs_to_its_end_apart_from_the_studies(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("[]\n", "utf-8")
    studies = [tiny_study(number) for number in (1, 2)]
    csv = tmp_path / "studies.csv"
    csv.write_text("StudyInstanceUID\n" + "".join(f"{one.uid}\n" for one in studies), "utf-8")
    with Gateway(tmp_path / "data", rules=str(rules), archive="folder") as gateway:
        register(gateway)
        for number, one in enumerate(studies):
            gateway.client.store(one.write(tmp_path / str(number)))
        for one in studies:
            wait_until(
                lambda uid=one.uid: gateway.trace(uid)["study"]["state"] == "COMPLETE",
                60,
                lambda: gateway.log[-2000:],
            )

        ran = airgate("batch", "run", "quick", "--csv", str(csv), **gateway.environment)

        assert ran.returncode == 0, ran.stderr
        assert "done 2" in ran.stdout
        (batch,) = gateway.client.json("/api/v1/batches")
        assert (batch["state"], batch["percent"]) == ("DONE", 100)
        trees = gateway.client.json(f"/api/v1/batches/{batch['id']}/results")
        assert [bool(tree["objects"]) for tree in trees] == [True, True]
        assert gateway.results(studies[0].uid) == []
        trace = gateway.client.json(f"/api/v1/studies/{studies[0].uid}/trace")
        assert {"received", "complete", "claimed", "done"} <= {e["kind"] for e in trace["events"]}
        wait_until(lambda: ended(gateway) == 2, 30, lambda: gateway.client.get("/metrics").text)
        assert "TINY-1" not in gateway.log
        assert "TINY-1" not in gateway.client.get("/metrics").text

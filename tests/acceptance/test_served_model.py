"""A whole gateway whose model is a network on an inference server."""

import pytest

from tests.adapters.runtimes import networks
from tests.adapters.runtimes.inference_server import Behaviour, inference_server
from tests.cards import LEAST
from tests.quick_model import tiny_study
from tests.serving import Gateway, wait_until

pytestmark = pytest.mark.serve
RULES = "[{name: bright, run: threshold, when: [{attribute: Modality, equals: CT}]}]"


def test_a_busy_server_is_asked_again_and_its_tensors_become_seg_and_sr(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, "utf-8")
    study, behaviour = tiny_study(1), Behaviour()
    settings = {"rules": str(rules), "archive": "folder"}
    with (
        inference_server(behaviour) as address,
        Gateway(tmp_path / "data", **settings) as gateway,
    ):
        card = LEAST | {
            "runtime": {"kind": "kserve", "url": address, "model": "bright"},
            "inputs": [{"modality": ["CT"]}],
            "outputs": [networks.LABELS],
        }
        reply = gateway.http.post("/api/v1/models", json=card)
        assert reply.status_code == 201, reply.text

        behaviour.status = 503
        gateway.client.store(study.write(tmp_path / "study"))
        wait_until(lambda: "busy" in behaviour.forms, 60, lambda: gateway.log[-2000:])
        behaviour.status = 200
        (workitem,) = gateway.await_end(study.uid)
        assert workitem["outcome"] == "DONE"
        (result,) = gateway.results(study.uid)
        assert {one["kind"] for one in result["objects"]} == {"SEG", "SR"}

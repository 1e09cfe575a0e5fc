"""docs/chains.md, word for word: three models over REST, one study, and only the last is seen."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.quick_model import tiny_study
from tests.serving import Gateway, wait_until

pytestmark = pytest.mark.serve

TEXT = (Path(__file__).parents[2] / "docs" / "chains.md").read_text("utf-8")
MODELS = re.findall(r"### `(\w+)`\n.*?```toml\n(.*?)```.*?```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("chain")
    (rules,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (folder / "none.yaml").write_text("[]\n", "utf-8")
    settings = {"rules": str(folder / "none.yaml"), "archive": "folder"}
    with Gateway(folder / "data", **settings) as started:
        for name, card, code in MODELS:
            content = io.BytesIO()
            with zipfile.ZipFile(content, "w") as archive:
                archive.writestr("card.toml", card)
                archive.writestr(f"{name}.py", code)
            started.client.post("/api/v1/models", content.getvalue(), "application/zip")
        headers = {"Content-Type": "application/yaml"}
        started.http.put("/api/v1/rules", content=rules, headers=headers).raise_for_status()
        yield started


def stored(gateway: Gateway, folder: Path, number: int) -> str:
    study = tiny_study(number)
    gateway.client.store(study.write(folder / f"study{number}"))
    return study.uid


def test_the_example_is_done_in_order_and_only_the_last_result_is_published(gateway, tmp_path):
    study = stored(gateway, tmp_path, 1)
    workitems = gateway.await_end(study, 3)

    done = sorted(workitems, key=lambda one: one["ended_at"])
    assert [one["model_name"] for one in done] == ["finder", "judge", "measure"]
    assert {one["outcome"] for one in done} == {"DONE"}
    assert [one["stage"] for one in done] == ["intermediate", "intermediate", "live"]
    (result,) = gateway.results(study)
    (volume,) = result["measurements"]
    assert volume["value"] > 0
    instances = gateway.client.json(f"/dicom-web/studies/{study}/instances")
    objects = {one["00080018"]["Value"][0] for one in instances[:]} - {
        one["sop_instance_uid"] for one in result["objects"]
    }
    assert len(objects) == 3  # the slices as they came
    reports = gateway.client.json("/fhir/r4/DiagnosticReport")
    assert reports["total"] == 1
    page = gateway.http.get(f"/ui/studies/{study}").text
    assert "Steps of chains" in page


def test_a_model_of_a_chain_is_tried_with_what_it_stands_on(gateway, tmp_path):
    study = stored(gateway, tmp_path, 2)
    gateway.await_end(study, 3)
    before = gateway.results(study)
    order = {"study_instance_uid": study}
    tried = gateway.http.post("/api/v1/models/measure/1.0/try", json=order).json()
    wait_until(
        lambda: gateway.client.json(_path(tried["url"]))["outcome"] != "",
        60,
        lambda: gateway.log[-2000:],
    )

    found = gateway.client.json(_path(tried["url"]))
    assert found["outcome"] == "DONE", found
    assert found["result"]["measurements"][0]["value"] == before[0]["measurements"][0]["value"]
    assert gateway.results(study) == before


def _path(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2]

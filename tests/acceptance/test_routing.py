"""Routing by a whole gateway: several inputs and a prior, an order by AE Title, a shadow rule."""

import shutil
import subprocess
import textwrap
import zipfile
from pathlib import Path

import pytest

from standards.derived import part10
from standards.uids import derived_uid
from tests.acceptance.conftest import store
from tests.acceptance.test_bad_operation import airgate, assert_one_line
from tests.postgresql import free_port
from tests.series import ct_series
from tests.serving import Gateway, wait_until

pytestmark = pytest.mark.serve

MODEL = """
    from standards import codes
    from standards.findings import Measurement

    class Names:
        def predict(self, inputs):
            return [
                Measurement(codes.VOLUME, float(len(volume.voxels)), codes.MILLILITRE, codes.LUNG)
                for name, volume in sorted(inputs.volumes.items())
            ]
"""
CARD = """
    name = "pairs"
    version = "1.0.0"
    title = "Pairs"
    description = "Counts slices of each input."
    manufacturer = "Tests"
    intended_use = "Tests only."
    license = "Apache-2.0"
    [runtime]
    entry = "pairs:Names"
    [[inputs]]
    name = "native"
    description_includes = ["native"]
    [[inputs]]
    name = "venous"
    description_includes = ["venous"]
    [[inputs]]
    name = "prior"
    description_includes = ["native"]
    prior = true
    optional = true
    maximum_age_days = 400
"""


def write(folder: Path, study: str, description: str, slices: int, **attributes) -> None:
    """One series of a study, its files in the folder."""
    folder.mkdir(exist_ok=True)
    series = derived_uid("test", study, description)
    instances = ct_series(
        slices,
        16,
        16,
        StudyInstanceUID=derived_uid("test", study),
        SeriesInstanceUID=series,
        SeriesDescription=description,
        **attributes,
    )
    for number, instance in enumerate(instances):
        instance.SOPInstanceUID = derived_uid("test", series, str(number))
        instance.file_meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
        (folder / f"{description}-{number}.dcm").write_bytes(part10(instance))


def await_completion(gateway: Gateway, study: str) -> None:
    def complete() -> bool:
        return gateway.trace(study)["study"]["state"] == "COMPLETE"

    wait_until(complete, 30, lambda: str(gateway.trace(study)))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routing")
    archive = folder / "pairs.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("card.toml", textwrap.dedent(CARD))
        content.writestr("pairs.py", textwrap.dedent(MODEL))
    dicom = f"AIRGATE@127.0.0.1:{free_port()}"
    with Gateway(folder / "data", archive="folder", dicom=dicom) as gateway:
        gateway.client.post("/api/v1/models", archive.read_bytes(), "application/zip")
        rules = [
            {"name": "pairs", "run": "pairs", "priority": "STAT"},
            {"name": "next", "run": "lung_ct", "stage": "shadow"},
        ]
        gateway.http.put("/api/v1/rules", json=rules).raise_for_status()
        yield gateway, folder


def test_every_input_and_the_prior_find_their_series_and_the_workitem_names_all(gateway):
    gateway, folder = gateway
    write(folder / "old", "old", "native", 3, StudyDate="20250301")
    await_completion(gateway, store(gateway, folder / "old"))
    write(folder / "new", "new", "venous", 5, SeriesNumber=1)
    write(folder / "new", "new", "native", 7, SeriesNumber=2)

    study = store(gateway, folder / "new")
    (workitem,) = gateway.await_end(study)

    assert workitem["outcome"] == "DONE", workitem
    (result,) = gateway.results(study)
    assert sorted(one["value"] for one in result["measurements"]) == [3, 5, 7]
    uid = workitem["workitem_uid"]
    step = gateway.http.get(
        f"/dicom-web/workitems/{uid}", headers={"Accept": "application/dicom+json"}
    ).json()
    step = step[0] if isinstance(step, list) else step
    assert step["00741200"]["Value"] == ["HIGH"]
    inputs = [
        (item["0020000D"]["Value"][0], len(item["00081199"]["Value"]))
        for item in step["00404021"]["Value"]
    ]
    old, new = derived_uid("test", "old"), derived_uid("test", "new")
    assert inputs == [(new, 7), (new, 5), (old, 3)]
    (routed,) = [e["detail"] for e in gateway.trace(study)["events"] if e["kind"] == "routed"]
    assert [one["name"] for one in routed["inputs"]] == ["native", "venous", "prior"]
    assert routed["rules_version"] >= 2


def test_a_shadow_rule_is_told_in_the_trace_and_its_work_is_kept_apart(gateway):
    gateway, folder = gateway
    write(folder / "alone", "alone", "venous", 24, SliceThickness=2, PatientID="ALONE")

    study = store(gateway, folder / "alone")
    await_completion(gateway, study)

    kinds = {event["kind"]: event["detail"] for event in gateway.trace(study)["events"]}
    assert kinds["not_routed"]["reason"] == "no series fits input native of the model's card"
    assert kinds["shadow_routed"]["rule"] == "next"
    (workitem,) = gateway.await_end(study)
    assert (workitem["stage"], workitem["rule"]) == ("shadow", "next")
    assert gateway.results(study) == []


@pytest.mark.skipif(shutil.which("storescu") is None, reason="apt-get install dcmtk")
def test_a_called_ae_title_that_names_a_model_orders_it(gateway):
    gateway, folder = gateway
    write(folder / "ordered", "ordered", "thorax", 24, PatientID="ORDERED")
    gateway.http.put("/api/v1/rules", json=[]).raise_for_status()
    address, port = gateway.environment["AIRGATE_DICOM"].partition("@")[2].split(":")

    sent = subprocess.run(
        ["storescu", "-aec", "LUNG_CT", "-aet", "PACS", "+sd", address, port, folder / "ordered"],
        capture_output=True,
        check=False,
    )

    assert sent.returncode == 0, sent.stderr
    study = derived_uid("test", "ordered")
    (workitem,) = gateway.await_end(study)
    assert workitem["model_name"] == "lung_ct"
    (routed,) = [e["detail"] for e in gateway.trace(study)["events"] if e["kind"] == "routed"]
    assert routed["rule"] == "called AE Title"


def test_the_address_that_a_study_was_sent_from_is_known_to_rules(gateway):
    gateway, folder = gateway
    write(folder / "from here", "from here", "thorax", 24, PatientID="HERE")
    study = store(gateway, folder / "from here")

    local = {"attribute": "SourceAddress", "equals": "127.0.0.0/8"}
    draft = [{"name": "local", "run": "lung_ct", "when": [local]}]
    tried = gateway.http.post("/api/v1/rules/try", json=draft, params={"limit": 1}).json()

    assert tried["studies"][0]["study_instance_uid"] == study
    assert tried["counts"] == {"added": 1}


def test_the_command_line_puts_tries_exports_and_restores_rules(gateway, tmp_path):
    gateway, _ = gateway
    draft = tmp_path / "rules.yaml"
    draft.write_text("- {name: all, run: lung_ct, priority: LOW}\n")

    def rules(*arguments: str) -> str:
        ended = airgate("rules", *arguments, **gateway.environment)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    gateway.http.put("/api/v1/rules", json=[]).raise_for_status()
    version = gateway.client.json("/api/v1/rules/versions")[0]["number"]
    assert "against version" in rules("try", str(draft))
    assert gateway.client.json("/api/v1/rules") == []
    assert "1 rule(s) are in force" in rules("put", str(draft))
    assert "low" in rules("list")
    assert "name: all" in rules("export")
    assert "put 1 rule(s)" in rules("versions")
    assert "0 rule(s)" in rules("restore", str(version))

    draft.write_text("- {name: all, run: lung_ct, when: [{attribute: Modalty, equals: CT}]}\n")
    assert_one_line(airgate("rules", "put", str(draft), **gateway.environment), "Modalty", "rule 1")


def test_the_command_line_finds_the_prior_among_the_paths(tmp_path):
    model = tmp_path / "pairs"
    model.mkdir()
    (model / "card.toml").write_text(textwrap.dedent(CARD))
    (model / "pairs.py").write_text(textwrap.dedent(MODEL))
    write(tmp_path / "files", "old", "native", 3, StudyDate="20250301")
    write(tmp_path / "more", "new", "venous", 5, SeriesNumber=1)
    write(tmp_path / "more", "new", "native", 7, SeriesNumber=2)
    write(tmp_path / "others", "of another", "native", 9, StudyDate="20260228", PatientID="OTHER")

    paths = [str(tmp_path / name) for name in ("files", "more", "others")]
    ended = airgate("run", str(model), *paths, "--out", str(tmp_path / "out"))

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "of the prior" in ended.stdout
    assert "7 slices" in ended.stdout
    assert "9 slices" not in ended.stdout

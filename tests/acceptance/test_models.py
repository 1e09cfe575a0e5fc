"""A model's life in a whole gateway, on the command line: registered, tried, moved, used."""

import json
import zipfile
from pathlib import Path

import pydicom
import pytest

from standards.uids import derived_uid
from tests.acceptance.test_bad_operation import airgate
from tests.adapters.runtimes import networks
from tests.cards import LEAST
from tests.quick_model import archive, tiny_study
from tests.serving import Gateway, wait_until

pytestmark = pytest.mark.serve


SERIES = derived_uid("quick series", "1")  # of the first tiny study


def write_version(folder: Path, version: str, stage: str) -> Path:
    """An archive of the quick model under another version, beginning in that stage."""
    first, path = folder / "first.zip", folder / f"quick-{version}.zip"
    first.write_bytes(archive())
    with zipfile.ZipFile(first) as source, zipfile.ZipFile(path, "w") as out:
        card = source.read("card.toml").decode().replace('version = "1"', f'version = "{version}"')
        out.writestr("card.toml", f'stage = "{stage}"\n{card}')
        out.writestr("quick.py", source.read("quick.py"))
    return path


def test_a_draft_is_tried_goes_live_and_is_rolled_back_on_the_command_line(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("[]\n", "utf-8")
    study = tiny_study(1)
    store = str(tmp_path / "artefacts")
    settings = {"rules": str(rules), "archive": "folder", "artefacts": store}
    with Gateway(tmp_path / "data", **settings) as gateway:

        def run(*arguments: str) -> str:
            """Of `airgate models`, which fits into 80 columns."""
            ended = airgate("models", *arguments, **(gateway.environment | {"COLUMNS": "80"}))
            assert ended.returncode == 0, (arguments, ended.stdout, ended.stderr)
            lines = [one for one in ended.stdout.splitlines() if not one.startswith("wrote")]
            assert max(map(len, lines)) <= 80, ended.stdout
            return ended.stdout

        assert "stage live" in run("register", str(write_version(tmp_path, "1", "live")))
        assert "stage draft" in run("register", str(write_version(tmp_path, "2", "draft")))
        gateway.client.store(study.write(tmp_path / "study"))
        wait_until(
            lambda: gateway.trace(study.uid)["study"]["state"] == "COMPLETE",
            60,
            lambda: gateway.log[-2000:],
        )

        out = tmp_path / "out"
        told = run("try", "quick", study.uid, "--version", "2", "--out", str(out))
        assert "DONE" in told
        assert "Volume" in told
        assert "model" in told
        assert {pydicom.dcmread(path).Modality for path in out.iterdir()} == {"SEG", "SR"}
        assert gateway.results(study.uid) == []

        assert "quick 2 is live" in run("promote", "quick", "2", "--to", "live", "--note", "good")
        assert "draft → live" in run("show", "quick")
        assert "tries: 1, unfinished: 0" in run("usage", "quick", "2")
        assert "quick 1 is live" in run("roll-back", "quick")
        assert "quick 1 is retired" in run("retire", "quick", "1")
        listed = run("list").splitlines()
        assert sum("retired" in line for line in listed if "quick" in line) == 2
        refused = airgate("models", "retire", "quick", "1", **gateway.environment)
        assert (refused.returncode, "promote it" in refused.stderr) == (1, True)
        assert "quick 1 is deleted" in run("delete", "quick", "1")

        network = networks.torchscript(tmp_path)
        card = tmp_path / "card.json"
        card.write_text(json.dumps(LEAST | {"runtime": network, "outputs": [networks.LABELS]}))
        told = run("register", str(tmp_path / "model.ts"), "--card", str(card))
        assert "registered threshold 0.1" in told
        told = run("try", "threshold", study.uid, "--series", SERIES)
        assert "DONE" in told
        assert "kept apart from the study: SEG" in told

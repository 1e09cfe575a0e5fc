"""What the documents promise holds: the example model registers and runs, links lead somewhere."""

import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from adapters.runtimes.model_process import ModelProcess
from gateway.services import registry_of
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.migrate import migrate
from standards.findings import Findings

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    ROOT / "samples" / "README.md",
    ROOT / "compose" / "README.md",
]
LINK = re.compile(r"\]\(((?!https?:)[^)#]+)")


def example(language: str) -> str:
    text = (ROOT / "docs" / "models.md").read_text("utf-8")
    (code,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return code


@pytest.fixture
def registry(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'airgate.db'}")
    migrate(database)
    yield registry_of(Settings(data=tmp_path), database)
    database.close()


def test_the_example_model_registers_as_an_archive_and_finds_bone_in_the_sample(tmp_path, registry):
    archive = tmp_path / "bone.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("bone.py", example("python"))
        content.writestr("card.toml", example("toml"))
    model = registry.add_artefact(archive, "tester")
    assert (model.card.name, model.card.version) == ("bone_ct", "0.1.0")

    runtime = ModelProcess()
    try:
        files = (path.read_bytes() for path in (ROOT / "samples/ct_chest").iterdir())
        prediction = runtime.predict(registry.loadable(model), files, 120)
    finally:
        runtime.stop()
    findings: Findings = prediction.findings
    (volume,) = findings.measurements
    assert 500 < volume.value < 5000  # ml; the skeleton of a chest with arms, and the table's edge
    assert findings.label_map is not None
    assert findings.label_map.voxels.shape == (64, 512, 512)


def test_the_tutorial_for_a_new_model_works_line_by_line(tmp_path):
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    for line in example("sh").splitlines():
        program, *arguments = shlex.split(line, comments=True)
        assert program == "airgate"
        done = subprocess.run(
            [sys.executable, "-m", "gateway.cli", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        if arguments[:2] == ["models", "check"]:
            assert "✓ objects    SEG, SR, PR, SC" in done.stdout
            assert max(map(len, done.stdout.splitlines())) <= 80
    assert (tmp_path / "out" / "seg.dcm").is_file()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document):
    for target in LINK.findall(document.read_text("utf-8")):
        path = (document.parent / target).resolve()
        assert path.exists(), target

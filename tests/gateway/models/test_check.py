"""`airgate models new` and `check`: what is made works, and what is bad is told in words."""

import shutil
import textwrap
from pathlib import Path

import pytest
from rich.console import Console

from ai_models.card import read_card
from gateway.commands.model_new import KINDS, new
from gateway.errors import Conflict, Unprocessable
from gateway.model_check.check import check
from gateway.model_check.report import Report, State
from gateway.model_check.sample import write_sample

UNIT = """
    kind = "regression"
    concept = { scheme = "SCT", value = "118565006", meaning = "Volume" }
    unit = "mL"
    site = { scheme = "SCT", value = "10200004", meaning = "Liver" }
"""
CODE = """
    kind = "labels"
    [[outputs.labels]]
    name = "Liver"
    type = { scheme = "SCT", value = "10200005", meaning = "Liver" }
"""
BODY = "        volume = inputs.volume"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new("bone", "python", tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, good: Path) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(read_card(good), folder)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_new_is_accepted_as_it_is(tmp_path, sample, kind):
    folder = new("bone_ct", kind, tmp_path)

    report = check(folder, [sample])

    assert {line.state for line in report.lines} == {State.PASSED}, report.lines
    assert "Research use only" in (folder / "README.md").read_text("utf-8")
    if kind != "ups":
        assert 0 < report.measured["memory MB"] < read_card(folder).resources.memory_mb


def test_a_name_that_is_none_or_taken_is_refused(tmp_path):
    with pytest.raises(Unprocessable, match="'Bone CT' is no name of a model; expected a to z"):
        new("Bone CT", "python", tmp_path)
    new("bone", "ups", tmp_path)
    with pytest.raises(Conflict, match="there already; choose another name"):
        new("bone", "ups", tmp_path)


def with_outputs(output: str) -> tuple[str, str, str]:
    """A change of the card: a network with this output."""
    text = f'kind = "onnx"\n[[outputs]]\n{textwrap.dedent(output)}'
    return "card.toml", 'kind = "python"\nentry = "model:Model"         # file:class', text


# File, what is replaced in it, by what -> line of the report, what it says, what it advises.
BAD = {
    "broken TOML": (
        ("card.toml", 'license = "', "license = "),
        ("card", "card.toml is no TOML: ", "mend that line"),
    ),
    "unknown field": (
        ("card.toml", "modality =", "modalty ="),
        ("card", "unknown field inputs #1, modalty", "did you mean modality (in [inputs])"),
    ),
    "field under another name": (
        ("card.toml", "timeout_seconds =", "timeout_s ="),
        ("card", "unknown field resources, timeout_s", "timeout_seconds (in [resources])"),
    ),
    "missing field": (
        ("card.toml", "title =", "# title ="),
        ("card", "title is missing", "for people and Series Descriptions"),
    ),
    "unknown code": (
        with_outputs(CODE),
        ("card", "outputs #1, labels #1, type: code 10200005 of scheme SCT", "docs/models.md"),
    ),
    "unknown unit": (
        with_outputs(UNIT),
        ("card", "outputs #1, unit: unit 'mL' is none that DICOM lists from UCUM; near it are ml"),
    ),
    "wrong entry": (
        ("card.toml", "model:Model", "model:Modle"),
        ("loading", "AttributeError: module 'model' has no attribute 'Modle'", "a class in it"),
    ),
    "import error": (
        ("model.py", "import numpy as np", "import no_such_package\nimport numpy as np"),
        ("loading", "No module named 'no_such_package' (model.py, line 3)", "must be installed"),
    ),
    "exception": (
        ("model.py", BODY, f"{BODY}\n        raise KeyError('lobe')"),
        ("prediction", "KeyError: 'lobe' (model.py, line 18)", "mend the line"),
    ),
    "NaN": (
        ("model.py", "float(mask.sum())", "float('nan')"),
        ("prediction", "measurement 'Volume' is nan; expected a finite number", "mend the line"),
    ),
    "undescribed label": (
        ("model.py", "LabelMap(mask,", "LabelMap(2 * mask,"),
        ("prediction", "voxels contain label 2 but 1 structure(s) are described", "mend the line"),
    ),
    "wrong shape": (
        ("model.py", "LabelMap(mask,", "LabelMap(mask[:, ::2],"),
        ("prediction", "voxels have shape (24, 48, 96) but", "mend the line"),
    ),
    "another meaning": (
        ("model.py", '"Bone")\n', '"Liver")\n'),
        (
            "codes",
            "means 'Bone structure (body structure)', not 'Liver'",
            "use the code that means what is found",
        ),
    ),
    "crash": (
        ("model.py", BODY, f"{BODY}\n        __import__('os')._exit(3)"),
        ("prediction", "the model's process ended with exit code 3", "native code and memory"),
    ),
    "too slow": (
        ("model.py", BODY, f"{BODY}\n        __import__('time').sleep(600)"),
        ("prediction", "took longer than the 1 s of its card", "raise resources.timeout_seconds"),
    ),
    "too large": (
        ("card.toml", "memory_mb = 4096", "memory_mb = 64"),
        ("memory", "of 64 MB in the card", "set memory_mb ="),
    ),
    "no such images": (
        ("card.toml", '["CT"]', '["MR"]'),
        ("sample", "no series fits input image: Modality is CT, expected MR", "--sample"),
    ),
}
QUESTIONABLE = {
    "prints": (
        ("model.py", BODY, f"{BODY}\n        print('patient', 17)"),
        ("output", "it printed 1 line, the first: patient 17", "take print() out"),
    ),
    "no result": (
        ("model.py", "max() < 300", "max() < 3000"),
        ("prediction", "no result: densest voxel: found", "--sample PATHS"),
    ),
    "nothing found": (
        ("model.py", "        return [", "        return []\n        return ["),
        ("findings", "none", "a report will say that there is no finding"),
    ),
    "unlisted code": (
        ("model.py", '"272673000", "SCT", "Bone"', '"424242", "SCT", "Antler"'),
        ("codes", "code 424242 of scheme SCT (Antler) is in no context group", "look it up"),
    ),
}


def changed(good: Path, folder: Path, change: tuple[str, str, str]) -> Path:
    shutil.copytree(good, folder)
    name, old, text = change
    before = (folder / name).read_text("utf-8")
    assert before.count(old) == 1, (name, old)
    after = before.replace(old, text)
    if "sleep" in text:
        card = (folder / "card.toml").read_text("utf-8")
        (folder / "card.toml").write_text(card.replace("seconds = 120", "seconds = 1"), "utf-8")
    (folder / name).write_text(after, "utf-8")
    return folder


def lines(report: Report, state: State) -> list[str]:
    return [f"{one.name}: {one.found} → {one.do}" for one in report.lines if one.state is state]


@pytest.mark.parametrize(("change", "told"), BAD.values(), ids=BAD)
def test_a_bad_folder_is_told_with_what_to_do(tmp_path, good, sample, change, told):
    report = check(changed(good, tmp_path / "bone", change), [sample])

    (line,) = lines(report, State.FAILED)
    assert not report.passed
    assert line.startswith(f"{told[0]}: ")
    assert all(words in line for words in told[1:]), line


@pytest.mark.parametrize(("change", "told"), QUESTIONABLE.values(), ids=QUESTIONABLE)
def test_what_may_be_meant_is_a_warning(tmp_path, good, sample, change, told):
    report = check(changed(good, tmp_path / "bone", change), [sample])

    (line,) = lines(report, State.WARNING)
    assert report.passed, report.lines
    assert line.startswith(f"{told[0]}: ")
    assert all(words in line for words in told[1:]), line


def test_a_folder_without_a_card_is_told(tmp_path):
    assert "card: no card.toml in" in lines(check(tmp_path), State.FAILED)[0]
    assert "is no folder → make a folder" in lines(check(tmp_path / "none"), State.FAILED)[0]


def test_the_report_fits_a_terminal_of_80_columns(capsys):
    report = Report("bone", "bone 1", "samples/ct_chest")
    report.ok("card", "python model")
    report.warn("output", "a [bracket] " * 12, "take " * 30)
    report.fail("memory", "too much", "set it")

    report.print(Console(width=80, highlight=False))

    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert "✓ card" in told
    assert "! output" in told
    assert "a [bracket]" in told
    assert "✗ memory" in told
    assert told.endswith("1 thing to mend. Then check again.\n")

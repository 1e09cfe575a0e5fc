"""The shape of the program: who may import whom, what stays out of which process, what it obeys."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.settings import Settings

ROOT = Path(__file__).parents[1]
LAYERS = ("standards", "ai_models", "adapters", "gateway")  # each may import those before it
OUTSIDE = frozenset(
    [
        "asyncio",
        "fastapi",
        "http",
        "httpx",
        "monai",
        "orthanc_api_client",
        "pynetdicom",
        "requests",
        "shutil",
        "socket",
        "sqlalchemy",
        "starlette",
        "subprocess",
        "tempfile",
        "torch",
        "urllib3",
        "uvicorn",
    ]
)
HEAVY = frozenset({"torch", "monai"})
OF_WORKERS = HEAVY | {"highdicom", "dbos"}  # a second of import, and more

# DESIGN.md, The outside contract: setting -> what it is when nobody sets it
CONTRACT = {
    "data": Path("var"),
    "http": "127.0.0.1:8080",
    "public_url": None,
    "dicom": "AIRGATE@127.0.0.1:11112",
    "archive": "orthanc",
    "database_url": None,
    "token": None,
    "workers": 1,
    "quiet_seconds": 10,
}
OTHER_VALUES = {
    "data": "/srv/airgate",
    "http": "0.0.0.0:80",
    "public_url": "https://pacs.example",
    "dicom": "off",
    "archive": "folder",
    "database_url": "postgresql://localhost/airgate",
    "token": "a-token-of-some-length",
    "workers": "4",
    "quiet_seconds": "2.5",
}


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and first name of each import; one without a dot before it, as STYLE.md asks."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.lineno, (node.module or "").partition(".")[0]


def files_of(layer: str) -> list[Path]:
    return sorted((ROOT / layer).rglob("*.py"))


@pytest.mark.parametrize("layer", LAYERS)
def test_no_layer_imports_from_above_nor_from_the_tests(layer):
    above = {*LAYERS[LAYERS.index(layer) + 1 :], "tests", "tools"}
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files_of(layer)
        for line, name in imports_of(path)
        if name in above
    ]
    assert files_of(layer)
    assert not wrong


def test_the_standards_touch_no_socket_process_database_or_framework():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files_of("standards")
        for line, name in imports_of(path)
        if name in OUTSIDE
    ]
    assert not wrong


def test_torch_is_imported_by_models_and_their_runtimes_alone():
    allowed = {ROOT / "ai_models", ROOT / "adapters" / "runtimes"}
    wrong = [
        str(path.relative_to(ROOT))
        for layer in LAYERS
        for path in files_of(layer)
        if not allowed & set(path.parents) and HEAVY & {name for _, name in imports_of(path)}
    ]
    assert not wrong


@pytest.mark.parametrize(
    "modules", ["gateway.app, gateway.commands.serve", "gateway.cli", "gateway.dimse_process"]
)
def test_the_http_and_dimse_processes_never_load_what_workers_need(modules):
    """Whatever imports whatever: a fresh interpreter says what it ended up with."""
    program = f"import {modules}, sys; print(sorted({set(OF_WORKERS)} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", program], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "[]"), ran.stderr


def test_settings_have_the_defaults_of_the_contract(monkeypatch):
    for name in CONTRACT:
        monkeypatch.delenv(f"AIRGATE_{name.upper()}", raising=False)
    settings = Settings()
    assert {name: getattr(settings, name) for name in CONTRACT} == CONTRACT


@pytest.mark.parametrize("name", CONTRACT)
def test_each_setting_is_read_from_its_environment_variable(monkeypatch, name):
    monkeypatch.setenv(f"AIRGATE_{name.upper()}", OTHER_VALUES[name])
    assert str(getattr(Settings(), name)) == OTHER_VALUES[name]


def test_the_table_of_settings_names_each_one_and_no_other():
    table = (ROOT / "docs" / "settings.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        assert f"`AIRGATE_{name.upper()}`" in table
        assert field.description
    assert table.count("| `AIRGATE_") == len(Settings.model_fields)

"""The compose deployment, as far as it can be judged where no container engine is."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest
import yaml

from gateway.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "compose"
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)")
# What an Orthanc of its own container needs other than the child of the gateway.
OWN_CONTAINER = frozenset(
    {"RemoteAccessAllowed", "RegisteredUsers", "HttpPort", "StorageDirectory", "IndexDirectory"}
)


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def dockerfile():
    """Instructions of the Dockerfile as (name, rest), continued lines joined."""
    text = (COMPOSE / "Dockerfile").read_text("utf-8")
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [
        tuple(line.split(maxsplit=1)) for line in lines if line.strip() and not line.startswith("#")
    ]


def stages(dockerfile):
    """Stage name -> its instructions."""
    found: dict[str, list[tuple[str, str]]] = {}
    stage = ""
    for name, rest in dockerfile:
        stage = rest.rpartition(" AS ")[2] if name == "FROM" else stage
        found.setdefault(stage, []).append((name, rest))
    return found


def test_the_four_parts_are_there_and_wait_for_one_another(compose):
    services = compose["services"]
    assert set(services) == {"gateway", "worker", "orthanc", "postgres"}
    assert set(services["gateway"]["depends_on"]) == {"postgres", "orthanc"}
    for name in ("gateway", "orthanc", "postgres"):
        assert services[name]["healthcheck"]["test"]
    for service in services.values():
        for needed, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in services[needed]


def test_only_the_gateway_is_published_and_only_on_loopback(compose):
    for name, service in compose["services"].items():
        ports = service.get("ports", [])
        assert bool(ports) == (name == "gateway")
        assert all(str(port).startswith("127.0.0.1:") for port in ports)


def test_every_setting_that_is_given_exists_and_is_accepted(compose, monkeypatch):
    for name in ("gateway", "worker"):
        environment = compose["services"][name]["environment"]
        for variable, value in environment.items():
            assert variable.removeprefix("AIRGATE_").lower() in Settings.model_fields
            filled = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", str(value))
            monkeypatch.setenv(variable, re.sub(r"\$\{[^}]+\}", "secret", filled))
        settings = Settings()
        assert settings.http_address[1] == 8080
        assert settings.resolved_database_url.startswith("postgresql://airgate:secret@postgres")
    gateway = compose["services"]["gateway"]["environment"]
    assert gateway["AIRGATE_WORKERS"] == "0"  # the worker service does it


def test_secrets_have_no_default_and_every_variable_is_in_the_example(compose):
    text = (COMPOSE / "compose.yaml").read_text("utf-8")
    example = (COMPOSE / ".env.example").read_text("utf-8")
    for variable in set(VARIABLE.findall(text)):
        assert re.search(rf"^{variable}=", example, re.MULTILINE)
    for secret in ("AIRGATE_TOKEN", "ORTHANC_PASSWORD", "POSTGRES_PASSWORD"):
        assert f"${{{secret}:-" not in text
        assert re.search(rf"^{secret}=$", example, re.MULTILINE)
    assert "compose/.env" in (ROOT / ".gitignore").read_text().split()


def test_every_volume_is_declared_and_used(compose):
    used = {
        mount.partition(":")[0]
        for service in compose["services"].values()
        for mount in service.get("volumes", [])
    }
    assert used == set(compose["volumes"])


def test_images_are_built_from_stages_that_exist_and_none_floats(compose, dockerfile):
    for service in compose["services"].values():
        assert re.search(r":[0-9][\w.-]*$", service["image"])
        if "build" in service:
            assert service["build"]["target"] in stages(dockerfile)
            assert (COMPOSE / service["build"]["context"]).resolve() == ROOT
    for name, rest in dockerfile:
        if name == "FROM":
            assert ":" in rest.split()[0]
            assert ":latest" not in rest


def test_the_images_run_as_users_of_their_own(dockerfile):
    for stage in ("airgate", "orthanc"):
        users = [rest for name, rest in stages(dockerfile)[stage] if name == "USER"]
        assert users == [stage]


def test_what_the_images_copy_is_there_and_let_into_the_build(dockerfile):
    let_in = (COMPOSE / "Dockerfile.dockerignore").read_text().split()
    for name, rest in dockerfile:
        if name == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in let_in


def test_torch_is_the_build_that_the_tests_run_and_for_the_cpu_unless_asked(dockerfile):
    instructions = stages(dockerfile)["airgate"]
    assert ("ARG", "TORCH_BACKEND=cpu") in instructions
    (pinned,) = re.findall(r'^torch="(torch==[\d.]+)"', (ROOT / "tools/setup.sh").read_text(), re.M)
    assert any(pinned in rest for name, rest in instructions if name == "RUN")


def test_its_orthanc_is_configured_as_the_child_is_but_for_its_place():
    ours = json.loads((COMPOSE / "orthanc.json").read_text())
    child = json.loads((ROOT / "orthanc" / "orthanc.json").read_text())
    differing = {key for key in ours.keys() | child.keys() if ours.get(key) != child.get(key)}
    assert differing == OWN_CONTAINER
    assert ours["AuthenticationEnabled"] is True


def test_its_orthanc_starts_and_asks_for_the_password_of_the_environment(tmp_path):
    binary = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    if binary is None:
        pytest.skip("no Orthanc on PATH; `make setup` installs it")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = json.loads((COMPOSE / "orthanc.json").read_text())
    ours |= {"HttpPort": port, "StorageDirectory": str(tmp_path), "IndexDirectory": str(tmp_path)}
    (tmp_path / "orthanc.json").write_text(json.dumps(ours))
    process = subprocess.Popen(
        [binary, str(tmp_path / "orthanc.json")],
        env={**os.environ, "ORTHANC_PASSWORD": "s3cret", "TCP_NODELAY": "1"},
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            wait_for(client)
            assert client.get("/system").status_code == 401
            assert client.get("/system", auth=("airgate", "wrong")).status_code == 401
            assert client.get("/system", auth=("airgate", "s3cret")).status_code == 200
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(client: httpx.Client) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            client.get("/system")
            return
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)

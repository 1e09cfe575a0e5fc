"""What app.json and pkg.json of a package say, and what they may not."""

import json
from pathlib import PurePosixPath

import pytest

from adapters.runtimes.containers.errors import UnfitManifest
from adapters.runtimes.containers.map_layout import layout_of

# As the packager of MONAI Deploy writes them.
APP = {
    "apiVersion": "1.0.0",
    "command": '["python3", "/opt/holoscan/app"]',
    "environment": {"HOLOSCAN_INPUT_PATH": "input/", "HOLOSCAN_MODEL_PATH": "/opt/holoscan/models"},
    "input": {"path": "input/", "formats": None},
    "output": {"path": "output/", "formats": None},
    "readiness": None,
    "sdk": "monai-deploy",
    "timeout": 90,
    "workingDirectory": "/var/holoscan",
}
PKG = {
    "applicationRoot": "/opt/holoscan/app",
    "modelRoot": "/opt/holoscan/models",
    "resources": {"cpu": 1, "gpu": 1, "memory": "2Gi", "sharedMemory": "128Mi"},
}


def manifests(app: object = None, pkg: object = None) -> dict[str, bytes]:
    given = {"app.json": app, "pkg.json": pkg}
    return {name: json.dumps(one).encode() for name, one in given.items() if one is not None}


def test_a_package_says_how_it_is_run():
    layout = layout_of(manifests(APP, PKG))

    assert layout.command == ("python3", "/opt/holoscan/app")
    assert str(layout.working_directory) == "/var/holoscan"
    assert (layout.timeout_seconds, layout.memory) == (90, 2 << 30)
    assert layout.shared_memory == 128 << 20
    told = layout.variables()
    assert told["HOLOSCAN_INPUT_PATH"] == told["MONAI_INPUTPATH"] == "/var/holoscan/input"
    assert told["HOLOSCAN_MODEL_PATH"] == "/opt/holoscan/models"


def test_an_image_without_manifests_gets_the_defaults():
    layout = layout_of({})

    assert (layout.input, layout.output) == (
        PurePosixPath("/var/monai/input"),
        PurePosixPath("/var/monai/output"),
    )
    assert layout.command == ()


@pytest.mark.parametrize(
    ("command", "read"),
    [
        ("python3 -m app --fast", ("/bin/sh", "-c", "python3 -m app --fast")),
        (["a", "b"], ("a", "b")),
        ('["a", "b c"]', ("a", "b c")),
    ],
    ids=str,
)
def test_a_command_is_a_list_or_a_line(command, read):
    assert layout_of(manifests({"command": command})).command == read


@pytest.mark.parametrize(
    ("app", "pkg", "told"),
    [
        ({"input": {"path": "a,readonly=false"}}, None, "app.json of the package: input.path"),
        ({"input": {"path": "../../etc"}}, None, "input.path"),
        ({"workingDirectory": "relative"}, None, "workingDirectory"),
        ({"input": {"path": "x"}, "output": {"path": "x/y"}}, None, "in one another"),
        ({"input": {"path": "/"}}, None, "input.path"),
        ({"environment": {"A=B": "c"}}, None, "environment"),
        ({"environment": {"A": "b\0c"}}, None, "environment"),
        ({"command": "[broken"}, None, "command"),
        ({"timeout": -1}, None, "timeout"),
        (None, {"resources": {"memory": "much"}}, "pkg.json of the package: resources.memory"),
        ([], None, "app.json"),
    ],
    ids=str,
)
def test_a_manifest_that_cannot_be_is_refused_with_its_field(app, pkg, told):
    with pytest.raises(UnfitManifest, match=told):
        layout_of(manifests(app, pkg))

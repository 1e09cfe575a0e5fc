"""What models reach for and do not get: the network, files of the gateway, its processes."""

import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.runtimes.kept_process import Surroundings, not_withheld
from adapters.runtimes.loading import Loadable
from adapters.runtimes.model_process import ModelProcess
from standards.derived import part10
from tests.cards import card
from tests.series import ct_series
from tests.serving import ROOT

# Says which of what it was told to reach it has reached, one bit each, in that order.
MODEL = """
    import json, os, socket
    from pathlib import Path
    from standards import codes
    from standards.findings import Measurement

    def connect(port):
        socket.create_connection(("127.0.0.1", port), 5).close()

    def send(port):
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"Doe^John", ("127.0.0.1", port))

    def read(path):
        return Path(path).read_bytes()

    def write(path):
        Path(path).write_bytes(b"")

    def signal(pid):
        os.kill(pid, 0)

    class Reaches:
        def predict(self, inputs):
            reached, told = 0, json.loads((Path(__file__).parent / "told.json").read_text())
            for place, (deed, what) in enumerate(told):
                try:
                    globals()[deed](what)
                    reached |= 1 << place
                except OSError:
                    pass
            return [Measurement(codes.VOLUME, float(reached), codes.MILLILITRE, codes.LUNG)]
"""
SERIES = [part10(image) for image in ct_series(3, 16, 16)]
needs_kernel = pytest.mark.skipif(bool(not_withheld()), reason="; ".join(not_withheld()))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder below a folder that modules are imported from, as where the program lies."""
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "var"
    (folder / "models" / "one").mkdir(parents=True)
    (folder / "models" / "one" / "reaches.py").write_text(textwrap.dedent(MODEL))
    return folder


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def reached(
    data: Path, told: list[tuple[str, object]], resources=None, **surroundings
) -> list[bool]:
    """Of each deed whether it was done."""
    folder = data / "models" / "one"
    (folder / "told.json").write_text(json.dumps(told))
    model = card({"entry": "reaches:Reaches"}, resources=resources or {})
    process = ModelProcess(Surroundings(apart=data, **surroundings))
    try:
        found = process.predict(Loadable(model, folder), SERIES, 60).findings
    finally:
        process.stop()
    bits = int(found.measurements[0].value)
    return [bool(bits >> place & 1) for place in range(len(told))]


def was_called(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except TimeoutError:
        return False
    return True


@needs_kernel
def test_a_model_has_no_network_unless_its_card_or_the_operator_gives_it(data, listener):
    port = listener.getsockname()[1]
    deeds = [("connect", port), ("send", port)]

    assert reached(data, deeds) == [False, False]
    assert not was_called(listener)
    assert reached(data, deeds, {"network": True}) == [True, True]
    assert was_called(listener)
    assert reached(data, deeds, network="open") == [True, True]


@needs_kernel
def test_a_model_reads_its_own_files_and_none_of_the_gateway_or_of_other_patients(
    data, tmp_path, monkeypatch
):
    monkeypatch.setenv("AIRGATE_TOKEN", "secret")
    of_others = [data / "token", data / "spool" / "1.2.3", tmp_path.parent / "elsewhere"]
    for path in of_others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("secret")
    own, (weights, beside) = Path("own"), (data.parent / "weights", tmp_path.parent / "weights")
    for path in (data / "models" / "one" / own, weights, beside):
        path.write_text("")
    pid = os.getpid()

    assert not any(
        reached(
            data,
            [
                *(("read", str(path)) for path in of_others),
                ("read", str(beside)),
                ("read", f"/proc/{pid}/environ"),
                ("signal", pid),
                *(("write", str(path)) for path in (data / "new", data / "token", weights)),
                ("write", str(data / "models" / "one" / own)),
            ],
        )
    )
    assert all(
        reached(
            data,
            [
                *(("read", str(path)) for path in (data / "models" / "one" / own, weights, beside)),
                ("write", "in its private folder"),
                ("write", "/dev/null"),
            ],
            reads=(beside,),
        )
    )
    assert (data / "token").read_text() == "secret"


@needs_kernel
def test_where_the_kernel_refuses_that_is_told_and_a_model_runs_only_where_it_may(data):
    """As root of a user namespace that may have no others below it."""
    if shutil.which("unshare") is None:
        pytest.skip("util-linux's unshare is not installed")
    script = f"""
        from pathlib import Path
        from adapters.runtimes.kept_process import Surroundings, not_withheld
        from adapters.runtimes.loading import Loadable
        from adapters.runtimes.model_process import ModelProcess
        from tests.cards import card

        print(*not_withheld())
        folder = Path({str(data / "models" / "one")!r})
        model = Loadable(card({{"entry": "reaches:Reaches"}}), folder)
        for network in ("withheld", "required"):
            process = ModelProcess(Surroundings(network=network))
            try:
                process.warm_up(model)
                print(network, "runs")
            except Exception as error:
                print(network, type(error).__name__)
            process.stop()
    """
    refusing = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    python = [sys.executable, "-c", textwrap.dedent(script)]
    found = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c", refusing, "sh", *python],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    assert found[0].startswith("network not withheld from models: ")
    assert found[1:] == ["withheld runs", "required NetworkNotWithheld"]

"""Files with pickled code are refused unread; where a process was told so, they are read."""

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from adapters.runtimes import pickles
from adapters.runtimes.kept_process import environment
from adapters.runtimes.loading import Loadable, load
from adapters.runtimes.pickles import PickledCode
from ai_models.card import read_card
from ai_models.contract import Inputs
from standards.findings import Findings
from tests.adapters.runtimes import networks
from tests.ball import ball_mask, ball_volume
from tests.bundles import write_bundle
from tests.cards import card


class Code:
    """Shows when it is read."""

    def __reduce__(self):
        return eval, ("print('this ran') or __import__('torch').zeros(1)",)


@pytest.fixture
def allowed(monkeypatch):
    for name, value in pickles.environment(allowed=True).items():
        monkeypatch.setenv(name, value)


def whole_network(folder: Path) -> Loadable:
    """A bundle whose weights are the network itself."""
    write_bundle(folder)
    torch.save(networks.Bright().network_def, folder / "models" / "model.pt")
    return Loadable(read_card(folder), folder)


def program_with_a_pickled_constant(folder: Path) -> Loadable:
    runtime = networks.torch_export(folder)
    plain = (folder / "model.pt2").read_bytes()
    (folder / "plain").write_bytes(plain)
    meta = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
    with (
        zipfile.ZipFile(folder / "plain") as source,
        zipfile.ZipFile(folder / "model.pt2", "w") as out,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("model_constants_config.json"):
                content = json.dumps({"config": {"odd": meta}}).encode()
            out.writestr(name, content)
        out.writestr("model/data/constants/opaque_obj_0", pickle.dumps(Code()))
    return Loadable(card(runtime, outputs=[networks.LABELS]), folder)


@pytest.mark.parametrize("made", [whole_network, program_with_a_pickled_constant])
def test_pickled_code_is_refused_before_it_runs(tmp_path, capsys, made):
    with pytest.raises(PickledCode, match=r"model\.pt.*AIRGATE_ALLOW_PICKLES"):
        load(made(tmp_path))
    assert "this ran" not in capsys.readouterr().out


def test_a_bundle_may_hold_a_whole_network_where_that_is_allowed(tmp_path, allowed):
    model = load(whole_network(tmp_path))
    found = Findings.of(model.predict(Inputs({"image": ball_volume()})))
    assert found.label_map is not None
    np.testing.assert_array_equal(found.label_map.voxels, ball_mask())


def test_a_program_may_hold_what_it_wants_where_that_is_allowed(tmp_path, allowed, capsys):
    load(program_with_a_pickled_constant(tmp_path))
    assert "this ran" in capsys.readouterr().out


@pytest.mark.parametrize("may", [True, False])
def test_what_the_gateway_was_started_with_does_not_count_for_its_models(monkeypatch, may):
    for name in pickles.SWITCHES:
        monkeypatch.setenv(name, "1")
    given = environment(Loadable(card({"entry": "a:B"}), pickles=may), "/private", None)
    told = {name for name in given if name in pickles.SWITCHES}
    assert told == set(pickles.environment(allowed=may))

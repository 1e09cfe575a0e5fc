"""A MONAI bundle, registered over REST with no card and no line of Python written for it."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.bundles import write_bundle
from tests.quick_model import tiny_study
from tests.serving import Gateway

pytestmark = pytest.mark.serve

RULES = """
- name: bundle
  when:
    - {attribute: Modality, equals: CT}
  run: ball_3d
"""


def test_a_bundle_registered_over_rest_leaves_seg_sr_and_observation(tmp_path: Path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, "utf-8")
    study = tiny_study(1)
    paths = study.write(tmp_path / "study")
    write_bundle(tmp_path / "zoo" / "ball_3d", threshold=0)
    # With the bundle's own folder in it, as the Model Zoo packs one.
    bundle = shutil.make_archive(str(tmp_path / "bundle"), "zip", tmp_path / "zoo")
    settings = {"rules": str(rules), "archive": "folder", "quiet_seconds": "0.3"}
    with Gateway(tmp_path / "data", **settings) as gateway:
        content = Path(bundle).read_bytes()
        gateway.client.post("/api/v1/models", content, "application/zip")
        promote = "/api/v1/models/ball_3d/0.1.2/promote"
        gateway.client.post(promote, b'{"to": "live"}', "application/json")
        gateway.client.store(paths)

        (ended,) = gateway.await_end(study.uid)

        assert ended["outcome"] == "DONE", ended
        (result,) = gateway.results(study.uid)
        assert {"SEG", "SR"} <= {one["kind"] for one in result["objects"]}
        found = gateway.http.get("/fhir/r4/Observation").json()
        volumes = [one["resource"].get("valueQuantity") for one in found["entry"]]
    images = [pydicom.dcmread(path) for path in paths]
    bright = sum(int(np.sum(image.pixel_array > 1024)) for image in images)
    millilitres = bright * 1.25 * 1.5 * 5 / 1000
    assert any(one and one["value"] == pytest.approx(millilitres, abs=0.05) for one in volumes)

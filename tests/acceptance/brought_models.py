"""What a developer brings, as it is registered over REST: one small model for each runtime.

Each marks exactly what is brighter than `networks.THRESHOLD`, so its answer is known.
"""

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import container_program
from tests.adapters.runtimes import networks
from tests.bundles import write_bundle
from tests.cards import LEAST
from tests.container_engine import IMAGE, Engine
from tests.serving import Gateway
from tests.wheels import write_wheel

PATH = "/api/v1/models"
_PYTHON = """
    import numpy as np
    from airgate_test_threshold import THRESHOLD  # of its own environment, and nowhere else

    from standards import codes
    from standards.findings import LabelMap, Measurement, Structure

    BALL = Structure("Ball", codes.ANATOMICAL_STRUCTURE, codes.LUNG, (200, 100, 100))


    class Bright:
        def predict(self, inputs):
            mask = (inputs.volume.voxels > THRESHOLD).astype(np.uint8)
            volume = float(mask.sum()) * inputs.volume.voxel_ml
            measured = Measurement(codes.VOLUME, volume, codes.MILLILITRE, codes.LUNG, label=1)
            return [LabelMap(mask, (BALL,)), measured]
"""


@dataclass(frozen=True)
class Brought:
    """archive: zipped files. card: JSON. One of them may be enough."""

    archive: bytes | None = None
    card: bytes | None = None

    def register(self, gateway: Gateway) -> dict[str, Any]:
        """By the form that fits what there is; the answer."""
        if self.archive is None:
            return gateway.client.post(PATH, self.card or b"", "application/json")
        if self.card is None:
            return gateway.client.post(PATH, self.archive, "application/zip")
        files = {"card": (None, self.card), "file": ("model.zip", self.archive)}
        return gateway.client.upload(PATH, {}, files=files)


def network(
    name: str, folder: Path, write: Callable[[Path], dict[str, Any]], **changes: Any
) -> Brought:
    """write: puts its file into the folder and says how it is run."""
    folder.mkdir(parents=True)
    runtime = write(folder)
    return Brought(_zipped(folder), _card(name, runtime, **changes))


def bundle(folder: Path) -> Brought:
    """With the bundle's own folder in it, as the Model Zoo packs one; it needs no card."""
    write_bundle(folder / "ball_3d")
    return Brought(_zipped(folder))


def python_with_wheel(name: str, folder: Path) -> Brought:
    """A class that needs a package which lies among the archive's wheels, and nowhere else."""
    (folder / "wheels").mkdir(parents=True)
    write_wheel(folder / "wheels", "airgate_test_threshold", f"THRESHOLD = {networks.THRESHOLD}\n")
    (folder / "bright.py").write_text(textwrap.dedent(_PYTHON), "utf-8")
    requirements = ["airgate-test-threshold==1.0"]
    runtime = {"entry": "bright:Bright", "requirements": requirements, "wheels": "wheels"}
    return Brought(_zipped(folder), _card(name, runtime, outputs=[]))


def served(name: str, address: str) -> Brought:
    """A network on an inference server."""
    return Brought(card=_card(name, {"kind": "kserve", "url": address, "model": "bright"}))


def container(name: str, folder: Path, engine: Engine) -> Brought:
    """A package whose manifests lie beside its card; the image comes to the engine."""
    folder.mkdir(parents=True)
    engine.add_image(IMAGE, [])
    command = [sys.executable, str(Path(container_program.__file__)), "dicom"]
    environment = {"THRESHOLD": str(networks.THRESHOLD)}
    app = {"command": json.dumps(command), "environment": environment, "input": {"path": "in/"}}
    (folder / "app.json").write_text(json.dumps(app), "utf-8")
    (folder / "pkg.json").write_text('{"resources": {"memory": "1Gi"}}', "utf-8")
    return Brought(_zipped(folder), _card(name, {"kind": "container", "image": IMAGE}, outputs=[]))


def _card(name: str, runtime: Mapping[str, Any], **changes: Any) -> bytes:
    said = {"name": name, "title": name, "inputs": [{"modality": ["CT"]}]}
    explained = {"runtime": runtime, "outputs": [networks.LABELS]}
    return json.dumps(LEAST | said | explained | changes).encode()


def _zipped(folder: Path) -> bytes:
    return Path(shutil.make_archive(str(folder), "zip", folder)).read_bytes()

"""A model that is quick, or as slow and as ill as the study asks, and tiny studies for it.

    register(gateway); files = tiny_study(7).write(folder)

The Series Description says what the model does: `sleep 60` takes that long, `crash` ends its
process, `warn` adds a warning; anything else is marked and measured.
"""

import io
import textwrap
import zipfile
from dataclasses import dataclass
from pathlib import Path

from pydicom.uid import UID

from standards.derived import part10
from standards.uids import derived_uid
from tests.series import ct_series
from tests.serving import Gateway

NAME = "quick"
OBJECTS = ("SEG", "SR")  # of one result

_MODEL = """
    import os
    import time

    import numpy as np

    from standards import codes
    from standards.findings import Caveat, LabelMap, Measurement, Structure

    BODY = Structure("Body", codes.ANATOMICAL_STRUCTURE, codes.LUNG, (200, 100, 100))


    class Quick:
        def predict(self, inputs):
            volume = inputs.volume
            word, _, number = str(volume.instances[0].SeriesDescription).partition(" ")
            if word == "sleep":
                time.sleep(float(number))
            if word == "crash":
                os.kill(os.getpid(), 11)
            mask = (volume.voxels < -500).astype(np.uint8)
            millilitres = float(mask.sum()) * volume.voxel_ml
            warning = [Caveat("This series asked for a warning.")] if word == "warn" else []
            measured = Measurement(codes.VOLUME, millilitres, codes.MILLILITRE, codes.LUNG, label=1)
            return [LabelMap(mask, (BODY,)), measured, *warning]
"""

_CARD = """
name = "quick"
version = "1"
title = "Quick"
description = "Marks what is thinner than -500 HU."
manufacturer = "Tests"
intended_use = "Tests only."
license = "Apache-2.0"

[runtime]
entry = "quick:Quick"

[[inputs]]
modality = ["CT"]

[resources]
timeout_seconds = {timeout_seconds}
{resources}
"""

RULES = """
- name: quick
  when:
    - {attribute: Modality, equals: CT}
  run: quick
"""


@dataclass(frozen=True)
class TinyStudy:
    """uid: Study Instance UID. contents: its instances as files."""

    uid: str
    contents: tuple[bytes, ...]

    def write(self, folder: Path) -> list[Path]:
        folder.mkdir(parents=True)
        paths = [folder / f"{number}.dcm" for number in range(len(self.contents))]
        for path, content in zip(paths, self.contents, strict=True):
            path.write_bytes(content)
        return paths


def tiny_study(
    number: int, does: str = "mark", *, slices: int = 3, size: int = 16, **attributes: object
) -> TinyStudy:
    """Another study for each number. does: see above. attributes: as ct_series has them."""
    uid = derived_uid("quick", str(number))
    series = ct_series(slices, size, size, **attributes)
    for image in series:
        image.StudyInstanceUID = uid
        image.SeriesInstanceUID = derived_uid("quick series", str(number))
        image.SOPInstanceUID = derived_uid("quick", str(number), str(image.InstanceNumber))
        image.file_meta.MediaStorageSOPInstanceUID = UID(image.SOPInstanceUID)
        image.PatientID, image.SeriesDescription = f"TINY-{number}", does
    return TinyStudy(uid, tuple(part10(image) for image in series))


def write_rules(folder: Path) -> Path:
    """A rules file for AIRGATE_RULES that gives every CT to this model."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rules.yaml"
    path.write_text(RULES, "utf-8")
    return path


def archive(timeout_seconds: float = 120, resources: str = "") -> bytes:
    """The model as it is registered: card and code, zipped. resources: more lines of the card."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        content.writestr("quick.py", textwrap.dedent(_MODEL))
        content.writestr(
            "card.toml", _CARD.format(timeout_seconds=timeout_seconds, resources=resources)
        )
    return buffer.getvalue()


def register(gateway: Gateway, timeout_seconds: float = 120, resources: str = "") -> None:
    content = archive(timeout_seconds, resources)
    gateway.client.post("/api/v1/models", content, "application/zip")

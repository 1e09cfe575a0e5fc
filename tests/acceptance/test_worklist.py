"""A performer outside, through the whole house: what docs/worklist.md shows, run as it stands."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests.acceptance.conftest import store
from tests.gateway.ups.channels import PROGRESS_REPORT, STATE_REPORT, channel, subscribe
from tests.gateway.ups.example import COMPLETED, IN_PROGRESS, SCHEDULED, WORKLIST, Worklist
from tests.phantom import chest_phantom
from tests.serving import ROOT, Gateway, wait_until

pytestmark = pytest.mark.serve

DOCUMENT = (ROOT / "docs" / "worklist.md").read_text("utf-8")
RULE = {"name": "nodules", "run": "nodule_vendor"}


def block(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def result_of(series: Path, folder: Path) -> None:
    """Something that a vendor might store in the study."""
    made = dcmread(next(series.iterdir()))
    made.SeriesInstanceUID, made.SOPInstanceUID = generate_uid(), generate_uid()
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.SeriesDescription, made.ImageType = "Nodules", ["DERIVED", "SECONDARY"]
    made.save_as(folder / "result.dcm")


def scheduled(ups: Worklist) -> list[dict[str, Any]]:
    query = "WorklistLabel=NODULES&ProcedureStepState=SCHEDULED"
    return ups.http.get(f"/workitems?{query}").json()


def test_a_vendor_claims_and_finishes_work_as_the_document_shows_sc_50(tmp_path):
    """SC-44, SC-47, SC-50 and SC-52 with a real server, its workers beside it."""
    chest_phantom(matrix=64).write(tmp_path / "series")
    result_of(tmp_path / "series", tmp_path)
    (card,) = block("json")
    with Gateway(tmp_path / "data", archive="folder") as gateway, gateway.http as http:
        assert http.post("/api/v1/models", json=json.loads(card)).status_code in (200, 201)
        assert http.put("/api/v1/rules", json=[RULE]).status_code == 200
        ups = Worklist(gateway.url, gateway.token)
        with channel(ups, "WATCHER") as events:
            assert subscribe(ups, WORKLIST, "WATCHER").status_code == 201
            study = store(gateway, tmp_path / "series")
            wait_until(lambda: bool(scheduled(ups)), 60, lambda: gateway.log)
            (step,) = scheduled(ups)
            uid = step["00080018"]["Value"][0]
            assert step["00404018"]["Value"][0]["00080100"]["Value"] == ["nodule_vendor"]
            assert step["0020000D"]["Value"] == [study]

            script = "\n".join(["set -eu", *block("sh")])
            environment = {"AIRGATE": gateway.url, "TOKEN": gateway.token, "PATH": "/usr/bin:/bin"}
            done = subprocess.run(
                ["bash", "-c", script],
                check=False,  # told below, with what it said
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert (done.returncode, done.stderr) == (0, ""), done
            assert done.stdout.split() == ["200"] * 5
            assert "already in the requested state" in (tmp_path / "head.txt").read_text()
            told = [one for one in events.told(4) if one[1] == uid]
        assert told == [
            (STATE_REPORT, uid, SCHEDULED),
            (STATE_REPORT, uid, IN_PROGRESS),
            (PROGRESS_REPORT, uid, "50"),
            (STATE_REPORT, uid, COMPLETED),
        ]
        performed = ups.step(uid)["00741216"]["Value"][0]
        (output,) = performed["00404033"]["Value"][0]["00081199"]["Value"]
        made = output["00081155"]["Value"][0]
        found = http.get(f"/dicom-web/instances?SOPInstanceUID={made}").json()
        assert [one["00080018"]["Value"][0] for one in found] == [made]
        workitems = {one["workitem_uid"]: one for one in gateway.trace(study)["workitems"]}
        assert (workitems[uid]["outcome"], workitems[uid]["attempts"]) == ("DONE", 0)

"""A gateway with three studies of two series each, two models and one rule, for the rule lab."""

import json

from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.ingest import Part
from gateway.services import Services
from standards.derived import part10
from standards.uids import derived_uid
from tests.gateway.console_example import CARD, model_row
from tests.series import ct_series

TOKEN = "a-token-for-tests"
CT = {"name": "ct", "run": "counts", "when": [{"attribute": "Modality", "equals": "CT"}]}
STUDIES = ("a", "b", "c")


def received(parts: Services, study: str, description: str, slices: int = 3, **attributes) -> str:
    series = derived_uid("test", study, description)
    uid = derived_uid("test", study)
    for number, instance in enumerate(
        ct_series(slices, 8, 8, StudyInstanceUID=uid, SeriesInstanceUID=series, **attributes)
    ):
        instance.SOPInstanceUID = derived_uid("test", series, str(number))
        instance.file_meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
        instance.SeriesDescription = description
        parts.ingest.receive([Part(part10(instance))])
    return uid


def laboratory(parts: Services) -> TestClient:
    """A client of the whole application, signed in as its administrator."""
    with parts.database.write() as session:
        for name in ("counts", "other"):
            row = model_row(1.0)
            row.name, row.card = name, json.dumps(CARD | {"name": name})
            session.add(row)
    for study in STUDIES:
        received(parts, study, "thin", slices=5)
        received(parts, study, "thick", Modality="CT", SeriesNumber=3)
    received(parts, "c", "scout", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    client = TestClient(create_app(parts, TOKEN))
    client.headers["Authorization"] = f"Bearer {TOKEN}"
    client.put("/api/v1/rules", json=[CT]).raise_for_status()
    return client

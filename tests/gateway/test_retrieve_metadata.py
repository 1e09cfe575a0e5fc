"""WADO-RS metadata over real HTTP: every attribute, in order, with links."""

from io import BytesIO

import pytest
from pydicom import dcmread

from tests.gateway.retrieve_example import CLIENT, FILES, SERIES, STUDY, UIDS, get, instance_url


@pytest.mark.parametrize("level", ["study", "series", "instance"])
def test_metadata_tell_every_attribute_at_every_level(root, level):
    path = {"study": "", "series": f"/series/{SERIES}"}.get(level)
    path = path if path is not None else f"/series/{SERIES}/instances/{UIDS['explicit']}"
    response = get(f"{root}/studies/{STUDY}{path}/metadata", "application/dicom+json")
    found = response.json()

    assert response.headers["content-type"] == "application/dicom+json"
    assert len(found) == (1 if level == "instance" else len(FILES))
    assert found[0]["00100010"]["Value"] == [{"Alphabetic": "Müller^Ä"}]
    stored = dcmread(BytesIO(FILES["explicit"]))
    expected = {f"{element.tag:08X}" for element in stored if element.tag.element}
    assert set(found[0]) == expected | {"00083002"}
    for header in found:
        assert list(header) == sorted(header)
        assert not any(tag.startswith("0002") for tag in header)


def test_links_follow_the_proxy(root):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "h", "X-Forwarded-Prefix": "/p"}
    found = CLIENT.get(f"{instance_url(root, 'explicit')}/metadata", headers=headers).json()

    assert found[0]["7FE00010"]["BulkDataURI"] == (
        f"https://h/p/dicom-web/studies/{STUDY}/series/{SERIES}"
        f"/instances/{UIDS['explicit']}/bulkdata/7FE00010"
    )

"""Clients of others get what they ask for; and pictures hold nobody else up."""

import threading
import time
from io import BytesIO

import httpx
import numpy as np
import pytest
from dicomweb_client import DICOMwebClient
from PIL import Image

from tests.gateway.index_helper import Gateway, written
from tests.gateway.rendering.example_images import STUDY, eight_bits
from tests.gateway.rendering.example_study import PDF, STREAM, series_url

CT = (STUDY, f"{STUDY}.2", f"{STUDY}.2.1")
FILM = (STUDY, f"{STUDY}.3", f"{STUDY}.3.1")


@pytest.fixture
def client(study_url: str) -> DICOMwebClient:
    return DICOMwebClient(study_url.partition("/studies")[0])


def test_dicomweb_client_gets_pictures_of_instances_series_and_frames(client):
    for media_type in ("image/jpeg", "image/png", "image/gif", "image/jp2"):
        for content in (
            client.retrieve_instance_rendered(*CT, media_types=(media_type,)),
            client.retrieve_series_rendered(*CT[:2], media_types=(media_type,)),
            client.retrieve_instance_frames_rendered(*FILM, [2], media_types=(media_type,)),
        ):
            assert Image.open(BytesIO(content)).get_format_mimetype() == media_type


def test_dicomweb_client_passes_parameters_on(client):
    content = client.retrieve_instance_rendered(
        *CT, media_types=("image/jpeg",), params={"quality": 95, "viewport": "90,90"}
    )

    assert Image.open(BytesIO(content)).size == (90, 60)


def test_dicomweb_client_gets_documents_and_videos(client):
    report = (STUDY, f"{STUDY}.4", f"{STUDY}.4.1")

    assert b"<html" in client.retrieve_instance_rendered(*report, media_types=("text/html",))
    pdf = (STUDY, f"{STUDY}.5", f"{STUDY}.5.1")
    assert client.retrieve_instance_rendered(*pdf, media_types=("application/pdf",)) == PDF
    video = (STUDY, f"{STUDY}.7", f"{STUDY}.7.1")
    assert client.retrieve_instance_rendered(*video, media_types=("video/mp4",)) == STREAM


def test_the_head_of_a_picture_can_be_asked_for(study_url):
    head = httpx.head(f"{study_url}{series_url(2, 1)}/rendered", headers={"Accept": "image/png"})

    assert head.status_code == 200
    assert head.headers["content-type"] == "image/png"
    assert head.content == b""


def test_a_picture_that_a_client_has_is_not_made_again(study_url):
    url = f"{study_url}{series_url(2, 1)}/rendered"
    first = httpx.get(url)

    again = httpx.get(url, headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    other = httpx.get(f"{url}?quality=20", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


def test_large_pictures_for_many_clients_hold_up_no_other_request(tmp_path):
    """50 clients wait for pictures; 40 threads serve all other requests, and are left to them."""
    noise = np.random.default_rng(1).integers(0, 256, (1024, 1024), np.uint8)
    gateway = Gateway(tmp_path)
    gateway.store(written(eight_bits(noise)))
    with gateway.serving() as root:
        url = f"{root}/dicom-web/studies/{STUDY}"
        picture = f"{url}/rendered?accept=image/png"
        threads = [
            threading.Thread(target=httpx.get, args=(picture,), kwargs={"timeout": 120})
            for _ in range(50)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        begun, waits = time.monotonic(), []
        while any(thread.is_alive() for thread in threads) and time.monotonic() - begun < 60:
            asked = time.monotonic()
            assert httpx.get(f"{url}/metadata", timeout=60).status_code == 200
            waits.append(time.monotonic() - asked)
        for thread in threads:
            thread.join()
    gateway.close()

    assert len(waits) > 3
    assert max(waits) < 3

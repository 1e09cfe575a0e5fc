"""Reports, encapsulated documents and videos over HTTP: SC-38."""

from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from tests.gateway.rendering.example_study import (
    CDA,
    HOSTILE,
    PDF,
    STREAM,
    series_url,
)
from tests.gateway.retrieve_example import CLIENT, get, parts_of

REPORT = series_url(4, 1) + "/rendered"
PDF_URL = series_url(5, 1) + "/rendered"
CDA_URL = series_url(6, 1) + "/rendered"
VIDEO_URL = series_url(7, 1) + "/rendered"


class _Page(HTMLParser):
    """Elements, links and text of a page, as a browser would find them."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "text/*", "text/html;level=1"])
def test_sc38_a_report_is_html_and_everything_in_it_is_escaped(study_url, accept):
    """SC-38: SR -> text/html, escaped; hostile words stay words."""
    response = get(study_url + REPORT, accept)

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page = _Page(response.text)
    assert not {"script", "img", "iframe", "link", "object"} & set(page.elements)
    assert page.text.count(HOSTILE[:25]) >= 3  # name, study, finding
    assert "Größe 5 mm" in page.text


def test_a_report_allows_nothing_from_outside_and_no_script(study_url):
    policy = get(study_url + REPORT).headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert get(study_url + REPORT).headers["x-content-type-options"] == "nosniff"


def test_a_report_links_to_the_images_of_its_study(study_url):
    (link,) = [link for link in _Page(get(study_url + REPORT).text).links if "#" not in link]

    assert link == f"{study_url}{series_url(2, 3)}/rendered"
    assert get(link, "image/png").status_code == 200


def test_a_report_says_whose_it_is_and_how_far_it_goes(study_url):
    text = _Page(get(study_url + REPORT).text).text

    for said in ("Patient ID", "P", "1970-01-02", "PRELIMINARY", "PARTIAL", "UNVERIFIED"):
        assert said in text


def test_sc38_a_report_is_plain_text_when_that_is_wanted(study_url):
    """SC-38"""
    response = get(study_url + REPORT, "text/plain")

    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "Finding: Größe 5 mm\n    " + HOSTILE in response.text
    assert "[UNVERIFIED]" in response.text


def test_sc38_a_report_is_the_native_dicom_model_as_xml(study_url):
    """SC-38"""
    response = get(study_url + REPORT, "text/xml")

    assert response.headers["content-type"] == "text/xml"
    tree = ElementTree.fromstring(response.content)  # noqa: S314 (of our own server)
    keywords = {element.get("keyword") for element in tree}
    assert {"ContentSequence", "PatientName", "CompletionFlag"} <= keywords


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "iso-8859-1,utf-8", "*"])
def test_a_report_is_given_as_utf_8(study_url, charset):
    response = get(f"{study_url}{REPORT}?charset={charset}")

    assert "warning" not in response.headers
    assert "Größe" in response.content.decode("utf-8")


def test_another_charset_is_passed_over_and_told(study_url):
    response = get(f"{study_url}{REPORT}?charset=iso-8859-1")

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "charset is passed over" in response.headers["warning"]


def test_a_report_in_another_kind_is_refused(study_url):
    response = get(study_url + REPORT, "image/jpeg")

    assert response.status_code == 406
    assert "text/html" in response.json()["detail"]


def test_a_series_of_reports_is_rendered_as_its_first(study_url):
    assert get(f"{study_url}{series_url(4)}/rendered").text == get(study_url + REPORT).text
    assert get(f"{study_url}/rendered", "text/html").text == get(study_url + REPORT).text


def test_a_pdf_is_given_as_it_was_put_in(study_url):
    """OHIF asks with ?accept=application/pdf. The byte that makes the length even is gone."""
    for url in (study_url + PDF_URL, f"{study_url}{PDF_URL}?accept=application/pdf"):
        response = get(url)

        assert response.headers["content-type"] == "application/pdf"
        assert response.content == PDF


def test_a_document_of_anyone_is_given_in_a_sandbox(study_url):
    response = get(study_url + CDA_URL)

    assert response.headers["content-type"] == "text/xml"
    assert response.content == CDA
    assert "sandbox" in response.headers["content-security-policy"]
    assert "script-src" not in response.headers["content-security-policy"]


def test_a_pdf_is_not_made_into_html(study_url):
    response = get(study_url + PDF_URL, "text/html")

    assert response.status_code == 406
    assert "application/pdf" in response.json()["detail"]


def test_a_video_is_given_as_stored(study_url):
    response = get(study_url + VIDEO_URL, "video/mp4")

    assert response.headers["content-type"] == "video/mp4"
    assert response.content == STREAM
    assert get(f"{study_url}{VIDEO_URL}?accept=video/mp4").content == STREAM


def test_a_player_can_seek_in_a_video(study_url):
    headers = {"Accept": "video/mp4", "Range": "bytes=5990-6009"}
    response = CLIENT.get(study_url + VIDEO_URL, headers=headers)

    assert response.status_code == 206
    assert response.content == STREAM[5990:6010]


def test_a_video_in_a_part_of_its_own(study_url):
    ((fields, body),) = parts_of(get(study_url + VIDEO_URL, 'multipart/related; type="video/mp4"'))

    assert fields["Content-Type"] == "video/mp4"
    assert body == STREAM


def test_a_video_is_no_picture(study_url):
    response = get(study_url + VIDEO_URL, "image/jpeg")

    assert response.status_code == 406
    assert "video/mp4" in response.json()["detail"]

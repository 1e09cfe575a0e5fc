"""Entity tags, 304, ranges and HEAD over real HTTP (RFC 9110), on every kind of retrieval."""

import re

import pytest

from tests.gateway.index_helper import Gateway
from tests.gateway.retrieve_example import (
    CLIENT,
    FILES,
    SERIES,
    STUDY,
    UIDS,
    get,
    image,
    instance_url,
    written,
)

WHOLE = "application/dicom; transfer-syntax=*"
OCTETS = "application/octet-stream; transfer-syntax=*"
PARTS = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
FILES_PARTS = 'multipart/related; type="application/dicom"; transfer-syntax=*'
PLAIN = {"Accept-Encoding": "identity"}  # coded answers have weak tags: test_content_coding.py
WAVEFORM = "/bulkdata/54000100/0/54001010"


def _get(url: str, accept: str, **headers: str):
    return CLIENT.get(url, headers={"Accept": accept, **PLAIN, **headers})


# path below the instance, Accept, whether the same bytes come each time
INSTANCE_RESOURCES = [
    ("", WHOLE, True),
    ("", FILES_PARTS, False),
    ("/frames/1", OCTETS, True),
    ("/frames/1", PARTS, False),
    (WAVEFORM, OCTETS, True),
    ("/bulkdata/7FE00010", OCTETS, True),
    ("/metadata", "application/dicom+json", True),
]


@pytest.mark.parametrize(("path", "accept", "strong"), INSTANCE_RESOURCES)
def test_sc_41_what_a_client_has_already_is_not_sent_again(root, path, accept, strong):
    """SC-41."""
    url = instance_url(root, "explicit") + path
    first = _get(url, accept)
    tag = first.headers["etag"]
    assert tag.startswith('"') is strong
    assert first.headers["cache-control"] == "private, no-cache"

    again = _get(url, accept, **{"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert "content-length" not in again.headers or again.headers["content-length"] == "0"
    assert _get(url, accept, **{"If-None-Match": '"other"'}).status_code == 200
    assert _get(url, accept, **{"If-None-Match": "*"}).status_code == 304
    if strong:
        assert _get(url, accept, **{"If-None-Match": f"W/{tag}"}).status_code == 304
        assert _get(url, accept).content == first.content


@pytest.mark.parametrize("path", ["", f"/series/{SERIES}"])
@pytest.mark.parametrize(
    ("resource", "accept"), [("", FILES_PARTS), ("/metadata", "application/dicom+json")]
)
def test_studies_and_series_have_tags_of_all_their_instances(gateway, root, path, resource, accept):
    url = f"{root}/studies/{STUDY}{path}{resource}"
    tag = CLIENT.head(url, headers={"Accept": accept}).headers["etag"]
    assert _get(url, accept, **{"If-None-Match": tag}).status_code == 304
    assert "last-modified" not in CLIENT.head(url, headers={"Accept": accept}).headers

    other = image("explicit", SOPInstanceUID=f"{SERIES}.99{len(path)}{len(resource)}")
    gateway.store(written(other))
    changed = CLIENT.head(url, headers={"Accept": accept, "If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_a_tag_belongs_to_one_form_one_query_and_one_root(root):
    url = instance_url(root, "multi")
    tags = {
        _get(url + path, accept, **headers).headers["etag"].removeprefix("W/")
        for path, accept, headers in (
            ("", WHOLE, {}),
            ("", "application/dicom", {}),
            ("", FILES_PARTS, {}),
            ("/frames/1", OCTETS, {}),
            ("/frames/2", OCTETS, {}),
            ("/metadata", "application/dicom+json", {}),
            ("/metadata", "application/dicom+json", {"X-Forwarded-Host": "pacs.example"}),
            ("/metadata?accept=application/json", "*/*", {}),
        )
    }
    assert len(tags) == 8


def test_last_modified_is_when_the_instance_came_and_can_be_asked_for(root):
    url = instance_url(root, "explicit") + "/metadata"
    modified = get(url).headers["last-modified"]
    since = {"If-Modified-Since": modified}
    assert _get(url, "*/*", **since).status_code == 304
    assert _get(url, "*/*", **since, **{"If-None-Match": '"x"'}).status_code == 200
    for earlier in ("Sat, 01 Jan 2000 00:00:00 GMT", "yesterday", "", b"\xff"):
        assert CLIENT.get(url, headers={"If-Modified-Since": earlier}).status_code == 200


@pytest.mark.parametrize(
    "condition", [{"If-None-Match": "*"}, {"If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT"}]
)
@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [("/frames/99", "*/*", 404), ("/frames/x", "*/*", 400), ("/metadata", "image/png", 406)],
)
def test_no_condition_hides_a_refusal(root, path, accept, status, condition):
    answer = _get(instance_url(root, "explicit") + path, accept, **condition)
    assert answer.status_code == status


def test_answers_depend_on_what_vary_names(root):
    vary = get(instance_url(root, "explicit") + "/metadata").headers["vary"]
    names = [name.strip().lower() for name in vary.split(",")]
    assert {"accept", "accept-encoding", "forwarded", "x-forwarded-host"} <= set(names)
    assert {"x-forwarded-proto", "x-forwarded-prefix"} <= set(names)


def test_errors_are_not_kept(root):
    missing = get(f"{root}/studies/1.2.3")
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")


RANGES = [
    ("bytes=0-0", slice(0, 1)),
    ("bytes=10-19", slice(10, 20)),
    ("bytes=100-", slice(100, None)),
    ("bytes=-7", slice(-7, None)),
    ("bytes=5-999999999", slice(5, None)),
    ("Bytes = 3 - 4", slice(3, 5)),
]


@pytest.mark.parametrize(("path", "accept"), [("", WHOLE), (WAVEFORM, OCTETS)])
@pytest.mark.parametrize(("wanted", "part"), RANGES)
def test_sc_41_ranges_are_given_where_they_are_offered(root, path, accept, wanted, part):
    """SC-41."""
    url = instance_url(root, "explicit") + path
    whole = _get(url, accept)
    assert whole.headers["accept-ranges"] == "bytes"
    answer = _get(url, accept, Range=wanted)

    start, stop, _ = part.indices(len(whole.content))
    assert (answer.status_code, answer.content) == (206, whole.content[part])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole.content)}"
    assert answer.headers["content-length"] == str(stop - start)
    assert answer.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize("wanted", ["bytes=-0", "bytes=1000000-", "bytes=1000000-1000001"])
def test_sc_41_a_range_beyond_the_end_is_416(root, wanted):
    """SC-41."""
    answer = _get(instance_url(root, "explicit"), WHOLE, Range=wanted)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(FILES['explicit'])}"


@pytest.mark.parametrize(
    "wanted", ["bytes=0-1,4-5", "bytes=9-3", "bytes=a-b", "bytes=", "bytes=-", "seconds=1-2", ""]
)
def test_what_is_no_single_range_of_bytes_is_passed_over(root, wanted):
    answer = _get(instance_url(root, "explicit"), WHOLE, Range=wanted)
    assert (answer.status_code, answer.content) == (200, FILES["explicit"])


def test_if_range_gives_the_part_only_of_what_the_client_has_the_rest_of(root):
    url = instance_url(root, "explicit")
    tag = _get(url, WHOLE).headers["etag"]
    modified = _get(url, WHOLE).headers["last-modified"]
    for condition, status in ((tag, 206), (modified, 206), ('"x"', 200), (f"W/{tag}", 200)):
        headers = {"Range": "bytes=0-3", "If-Range": condition}
        assert _get(url, WHOLE, **headers).status_code == status


@pytest.mark.parametrize(
    ("path", "accept"), [("", FILES_PARTS), ("/frames/1", OCTETS), ("/metadata", "*/*")]
)
def test_ranges_are_not_offered_elsewhere_and_not_obeyed(root, path, accept):
    answer = _get(instance_url(root, "explicit") + path, accept, Range="bytes=0-3")
    assert answer.status_code == 200
    assert "accept-ranges" not in answer.headers


RESOURCES = [
    "/studies",
    "/series",
    "/instances",
    f"/studies/{STUDY}",
    f"/studies/{STUDY}/metadata",
    f"/studies/{STUDY}/series",
    f"/studies/{STUDY}/series/{SERIES}",
    f"/studies/{STUDY}/series/{SERIES}/metadata",
    f"/studies/{STUDY}/series/{SERIES}/instances",
    f"/studies/{STUDY}/series/{SERIES}/thumbnail",
    *(
        f"/studies/{STUDY}/series/{SERIES}/instances/{UIDS['explicit']}{path}"
        for path in ("", "/metadata", "/rendered", "/thumbnail", "/frames/1", WAVEFORM)
    ),
]


@pytest.mark.parametrize("path", RESOURCES)
def test_sc_41_every_resource_answers_head_as_it_answers_get(root, path):
    """SC-41."""
    url = root + path
    got, head = CLIENT.get(url, headers=PLAIN), CLIENT.head(url, headers=PLAIN)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("content-type", "etag", "last-modified", "cache-control", "accept-ranges"):
        assert _without_boundary(head, name) == _without_boundary(got, name), name
    if "content-length" in head.headers:
        assert int(head.headers["content-length"]) == len(got.content)


def _without_boundary(answer, name: str) -> str:
    return re.sub(r"boundary=\w+", "", answer.headers.get(name, ""))


def test_head_of_what_is_not_there_is_404_too(root):
    assert CLIENT.head(f"{root}/studies/1.2.3/metadata").status_code == 404
    assert CLIENT.head(f"{root}/nothing").status_code == 404


@pytest.mark.parametrize("accept", [WHOLE, FILES_PARTS])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_what_a_client_has_or_asks_the_head_of_is_not_read(gateway, root, accept, method):
    url = instance_url(root, "explicit")
    headers = {"Accept": accept}
    if method == "GET":
        headers["If-None-Match"] = _get(url, accept).headers["etag"]
    content = gateway.archive._contents
    gateway.archive._contents = {}
    try:
        answer = CLIENT.request(method, url, headers=headers)
    finally:
        gateway.archive._contents = content
    assert answer.status_code == (200 if method == "HEAD" else 304)
    if accept == WHOLE and method == "HEAD":
        assert answer.headers["content-length"] == str(len(FILES["explicit"]))


def test_parts_of_a_large_instance_cost_no_reading_of_what_is_before_them(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.retrieve.hold.LARGE", 1000)
    monkeypatch.setattr("gateway.retrieve.instances.LARGE", 1000)
    monkeypatch.setattr("gateway.ranges._PIECE", 100)
    gateway = Gateway(tmp_path)
    gateway.store(FILES["multi"])
    read: list[str] = []
    stream = gateway.archive.stream
    monkeypatch.setattr(gateway.archive, "stream", lambda key: read.append(key) or stream(key))
    whole = FILES["multi"]
    with gateway.serving() as root:
        url = instance_url(f"{root}/dicom-web", "multi")
        for first, last in ((1234, 1250), (150, 1234), (0, 0), (len(whole) - 1, len(whole) - 1)):
            answer = _get(url, WHOLE, Range=f"bytes={first}-{last}")
            assert (answer.status_code, answer.content) == (206, whole[first : last + 1])
        assert len(read) == 1
        full = _get(url, WHOLE)
        assert (full.content, full.headers["content-length"]) == (whole, str(len(whole)))
    gateway.close()


@pytest.mark.parametrize(
    "tag",
    ["W/", '"', '"a', ",,,", "\xff\xfe", '"a" "b"', "W/W/" * 5000, '"' + "a" * 9000, "*, *"],
)
def test_hostile_conditions_change_nothing(root, tag):
    headers = {"If-None-Match": tag.encode("latin-1"), "If-Range": tag.encode("latin-1")}
    answer = CLIENT.get(instance_url(root, "explicit") + "/metadata", headers=headers)
    assert answer.status_code == 200

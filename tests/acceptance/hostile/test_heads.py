"""Request heads that are hostile: paths, header values, media types, boundaries, endless ones.

After each of them the same process still stores a good instance, and has not grown.
"""

import time

import pytest

from tests.acceptance.hostile.wire import MULTIPART, STORE, Wire, ask, store
from tests.gateway.store_helper import multipart
from tests.instances import instance

pytestmark = pytest.mark.serve

UIDS = {
    "climbing": b"../../../etc/passwd",
    "climbing, encoded": b"%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "climbing, encoded twice": b"%252e%252e%252f",
    "dots": b"..",
    "NUL": b"1.2.%00",
    "line end": b"1.2.%0d%0aX-Evil:%201",
    "10 kB": b"1." * 5_000,
    "no UTF-8": b"%ff%fe",
    "quotes": b"'%20OR%20'1'='1",
    "wildcard": b"*",
    "spaces": b"%20",
    "a half surrogate": b"%ed%a0%80",
    "markup": b"%3cscript%3e",
}
RESOURCES = (
    b"/dicom-web/studies/%s",
    b"/dicom-web/studies/%s/metadata",
    b"/dicom-web/studies/1.2/series/%s",
    b"/dicom-web/studies/1.2/series/1.3/instances/%s/frames/1",
    b"/dicom-web/studies/1.2/series/1.3/instances/1.4/bulkdata/%s",
    b"/dicom-web/studies/1.2/rendered?window=%s",
    b"/dicom-web/studies?StudyInstanceUID=%s",
    b"/dicom-web/studies?PatientName=%s&limit=%s",
    b"/api/v1/studies/%s",
    b"/api/v1/quarantine/%s/bytes",
    b"/fhir/R4/ImagingStudy/%s",
    b"/viewer/%s",
)


@pytest.mark.parametrize("uid", UIDS)
def test_hostile_uids_in_urls_are_refused_or_found_nowhere(gateway, uid):
    for template in RESOURCES:
        target = template.replace(b"%s", UIDS[uid])
        answer = ask(gateway, b"GET", target)
        assert 200 <= answer.status < 500, target
        assert b"root:" not in answer.body
        assert b"x-evil" not in answer.head.lower()


@pytest.mark.parametrize("uid", UIDS)
def test_a_hostile_study_in_the_path_of_a_store_request_stores_nothing(gateway, uid):
    body = multipart(instance(1, study="1.2.826.0.71"))
    kind = b"Content-Type: " + MULTIPART
    answer = ask(gateway, b"POST", b"/dicom-web/studies/" + UIDS[uid], kind, body=body)
    assert 400 <= answer.status < 500


@pytest.mark.parametrize(
    "uid", ["../../x", "1.2.\0", "1" * 10_000, "1.2/3", "..", "1.2 3", "é", "1.2\\1.3"]
)
@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"])
def test_hostile_uids_in_data_sets_are_refused(gateway, uid, keyword):
    content = instance(1, study="1.2.826.0.72")
    placed = {"SOPInstanceUID": b"\x08\x00\x18\x00UI", "StudyInstanceUID": b" \x00\r\x00UI"}
    begins = placed.get(keyword, b" \x00\x0e\x00UI")
    at = content.index(begins) + len(begins)
    length = int.from_bytes(content[at : at + 2], "little")
    raw = uid.encode()
    changed = content[:at] + len(raw).to_bytes(2, "little") + raw + content[at + 2 + length :]
    assert store(gateway, changed).status in (400, 409)


HEADERS = {
    "Accept, not ASCII": b"Accept: application/dicom+json; \xe9=\xff, \xf0\x9f\x92\xa9",
    "Accept of 64 KiB": b"Accept: " + b"a/b;q=0.1," * 6_553,
    "Accept of commas": b"Accept: " + b"," * 65_536,
    "Accept of quotation marks": b"Accept: " + b'"' * 65_535,
    "Accept of backslashes": b'Accept: a/b;c="' + b"\\" * 65_000,
    "Accept of semicolons": b"Accept: a/b" + b";" * 65_000,
    "Accept that nests": b"Accept: multipart/related; type=" + b'"type=' * 10_000,
    "Accept-Encoding of 64 KiB": b"Accept-Encoding: " + b"gzip;q=0.5," * 5_900,
    "Accept-Charset of 64 KiB": b"Accept-Charset: " + b"x," * 32_000,
    "a range of 64 KiB": b"Range: bytes=" + b"0-1," * 16_000,
    "an ETag of 64 KiB": b"If-None-Match: " + b'"a",' * 16_000,
    "a date that is none": b"If-Modified-Since: " + b"Mon, " * 10_000,
    "a forwarded host": b"X-Forwarded-Host: \xff\xfe<script>, a, b",
    "a cookie of 64 KiB": b"Cookie: " + b"a=b; " * 13_000,
    "an origin": b"Origin: null\xff",
    "a token": b"Authorization: Bearer \xff\xfe",
    "10,000 headers": b"\r\n".join(b"X-%d: y" % number for number in range(10_000)),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_hostile_header_values_are_survived_quickly(gateway, kind):
    for target in (b"/dicom-web/studies", b"/dicom-web/studies/1.2/rendered", b"/fhir/R4/Patient"):
        started = time.monotonic()
        answer = ask(gateway, b"GET", target, HEADERS[kind])
        assert 200 <= answer.status < 500
        assert time.monotonic() - started < 15


CONTENT_TYPES = {
    "64 KiB": b'multipart/related; type="application/dicom"; boundary=' + b"B" * 65_000,
    "64 KiB of parameters": MULTIPART + b";a=b" * 16_000,
    "not ASCII": b'multipart/related; type="application/dicom"; boundary=\xff\xfe',
    "no boundary": b'multipart/related; type="application/dicom"',
    "an empty boundary": b'multipart/related; type="application/dicom"; boundary=""',
    "an open quotation": b'multipart/related; boundary=BB; type="application/dicom; a="b',
    "another boundary": b'multipart/related; type="application/dicom"; boundary=CC',
    "no slash": b"multipart",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_hostile_content_types_are_refused_quickly(gateway, kind):
    body = multipart(instance(1, study="1.2.826.0.73"))
    started = time.monotonic()
    answer = ask(
        gateway, b"POST", STORE.encode(), b"Content-Type: " + CONTENT_TYPES[kind], body=body
    )
    taken = kind in ("64 KiB of parameters", "an open quotation")
    assert answer.status in ((200,) if taken else (400, 415))
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    "boundary", ["-", "--", "=_a", "a b", "()<>@,:/[]?=", "'", "B" * 70, "B" * 200, "\\", ".*"]
)
def test_boundaries_of_odd_kinds_are_taken_as_they_are(gateway, boundary):
    body = multipart(instance(1, study="1.2.826.0.74"), boundary=boundary)
    quoted = boundary.replace("\\", "\\\\")
    kind = f'Content-Type: multipart/related; type="application/dicom"; boundary="{quoted}"'
    assert ask(gateway, b"POST", STORE.encode(), kind.encode(), body=body).status == 200


@pytest.mark.parametrize(
    "headers",
    [b"X: " + b"y" * 100_000, b"X: y\r\n" * 20_000, b"\xff\xfe: \xfd", b"no colon", b": no name"],
    ids=["huge", "many", "not ASCII", "no colon", "no name"],
)
def test_hostile_part_headers_are_survived(gateway, headers):
    body = b"--BB\r\n" + headers + b"\r\n\r\n" + instance(1, study="1.2.826.0.75") + b"\r\n--BB--"
    answer = ask(gateway, b"POST", STORE.encode(), b"Content-Type: " + MULTIPART, body=body)
    assert answer.status in (200, 400, 413)


def test_a_head_that_does_not_end_is_cut_off(gateway):
    with Wire(gateway) as wire:
        wire.send(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(100):
            wire.send(b"y" * 65_536)
        assert wire.answer().status in (431, 0)  # 0: it went on sending, and the answer was lost


def test_a_head_that_is_a_little_too_large_is_told_so(gateway):
    assert ask(gateway, b"GET", b"/", b"X: " + b"y" * 200_000).status < 400
    assert ask(gateway, b"GET", b"/", b"X: " + b"y" * (512 << 10)).status in (431, 0)


@pytest.mark.parametrize("what", [b"0\r\nX: " + b"y" * 65_536, b"5;" + b"x" * 65_536])
def test_trailers_and_chunk_extensions_that_do_not_end_are_cut_off(gateway, what):
    with Wire(gateway) as wire:
        kind = b"Content-Type: " + MULTIPART
        wire.head(b"POST", STORE.encode(), kind, b"Transfer-Encoding: chunked")
        wire.send(what)
        for _ in range(100):
            wire.send(b"y" * 65_536)
        wire.end()
        assert wire.answer().status in (0, 400)


def test_a_body_that_would_be_read_whole_is_refused_by_its_size(gateway):
    kind = b"Content-Type: application/json"
    for target in (b"/api/v1/tokens", b"/api/v1/rules"):
        answer = ask(gateway, b"POST", target, kind, body=b'{"a": "' + b"x" * (4 << 20) + b'"}')
        assert answer.status in (405, 413)


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00", b"\0" * 4096, b"GET\r\n\r\n", b"A-ASSOCIATE" * 999]
)
def test_what_is_no_http_is_a_bad_request(gateway, garbage):
    with Wire(gateway) as wire:
        wire.send(garbage)
        wire.end()
        assert wire.answer().status in (0, 400)

"""Answers coded by zstd and gzip as Accept-Encoding asks, judged by the libraries' own readers."""

import gzip
import http.client
import json
from urllib.parse import urlsplit

import pytest
import zstandard

from gateway.content_coding import LARGE, ContentCodingMiddleware, coding_for
from tests.gateway.retrieve_example import STUDY, instance_url

DECODED = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "gzip": gzip.decompress,
}

CASES = [
    ("", None),
    ("identity", None),
    ("gzip", "gzip"),
    ("zstd", "zstd"),
    ("GZIP, deflate, br", "gzip"),
    ("gzip, deflate, br, zstd", "zstd"),
    ("gzip;q=1.0, zstd;q=0.5", "gzip"),
    ("zstd;q=0.8, gzip;q=0.9", "gzip"),
    ("*", "zstd"),
    ("*;q=0.1, identity;q=0.5", None),
    ("identity;q=0.5, *;q=0", None),
    ("zstd;q=0, *", "gzip"),
    ("gzip;q=0", None),
    ("gzip;q=0, zstd;q=0, identity;q=0", None),
    ("deflate, br", None),
    ("gzip ; q=0.2 , identity;q=0.1", "gzip"),
    ("gzip;q=banana", "gzip"),
    (",,;q=1,=;;", None),
    ("gzip," * 5000, "gzip"),
]


@pytest.mark.parametrize(("header", "coding"), CASES, ids=lambda value: str(value)[:40])
def test_the_coding_is_the_one_the_client_wants_most(header, coding):
    assert coding_for(header) == coding


def raw_get(url: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """The bytes as they came over the wire, which httpx would decode."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


TEXTS = [
    (f"/studies/{STUDY}/metadata", "application/dicom+json"),
    (f"/studies/{STUDY}/metadata", 'multipart/related; type="application/dicom+xml"'),
    ("/instances", "application/dicom+json"),
]


@pytest.mark.parametrize("coding", DECODED)
@pytest.mark.parametrize(("path", "accept"), TEXTS)
def test_text_is_coded_and_reads_the_same(root, path, accept, coding):
    _, plain = raw_get(root + path, Accept=accept)
    answer, body = raw_get(root + path, **{"Accept": accept, "Accept-Encoding": coding})

    assert answer.headers["content-encoding"] == coding
    assert "accept-encoding" in answer.headers["vary"].lower()
    decoded = DECODED[coding](body)
    if "xml" in accept:  # its boundary is drawn anew
        assert decoded.count(b"NativeDicomModel") == plain.count(b"NativeDicomModel") > 0
    else:
        assert decoded == plain
    assert len(body) < len(plain) / 3


@pytest.mark.parametrize("header", [{}, {"Accept-Encoding": "identity"}])
def test_who_asks_for_nothing_gets_plain_bytes_and_vary_all_the_same(root, header):
    answer, body = raw_get(f"{root}/studies/{STUDY}/metadata", **header)
    assert "content-encoding" not in answer.headers
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert json.loads(body)


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("", "application/dicom; transfer-syntax=*"),
        ("", 'multipart/related; type="application/dicom"; transfer-syntax=*'),
        ("/frames/1", "application/octet-stream"),
        ("/bulkdata/54000100/0/54001010", "application/octet-stream"),
        ("/rendered", "image/png"),
    ],
)
def test_pixel_data_and_files_are_never_coded(root, path, accept):
    headers = {"Accept": accept, "Accept-Encoding": "zstd, gzip"}
    answer, _ = raw_get(instance_url(root, "explicit") + path, **headers)
    assert answer.status == 200
    assert "content-encoding" not in answer.headers


def test_a_coded_answer_has_a_weak_tag_that_still_gives_304(root):
    url = instance_url(root, "explicit") + "/metadata"
    plain, _ = raw_get(url)
    coded, _ = raw_get(url, **{"Accept-Encoding": "gzip"})
    assert coded.headers["etag"] == f"W/{plain.headers['etag']}"
    again, body = raw_get(
        url, **{"If-None-Match": coded.headers["etag"], "Accept-Encoding": "gzip"}
    )
    assert (again.status, body, again.headers["etag"]) == (304, b"", coded.headers["etag"])


def test_small_bodies_stay_as_they_are(root):
    answer, body = raw_get(f"{root}/studies?limit=0", **{"Accept-Encoding": "gzip"})
    assert (answer.headers.get("content-encoding"), body) == (None, b"[]")


@pytest.mark.anyio
@pytest.mark.parametrize("coding", DECODED)
async def test_a_long_body_is_coded_piece_by_piece(coding):
    """No piece is asked for before the one before it has gone out, so none are gathered."""
    pieces = [b'{"a": %d}' % number * (LARGE // 4 if number % 2 else 10) for number in range(40)]
    sent: list[bytes] = []

    async def application(scope, receive, send):
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        for number, piece in enumerate(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            assert len(sent) == number + 1
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send(message):
        if message["type"] == "http.response.body":
            sent.append(message["body"])

    scope = {"type": "http", "headers": [(b"accept-encoding", coding.encode())]}
    await ContentCodingMiddleware(application)(scope, None, send)
    assert DECODED[coding](b"".join(sent)) == b"".join(pieces)

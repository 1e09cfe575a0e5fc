"""How a store request and its answer travel: codings, chunks, 100 Continue, JSON or XML."""

import gzip
import re
import shutil
import socket
import subprocess
import zlib
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.body_coding import PIECE, DamagedCoding, Inflater, UnsupportedCoding, content_coding
from standards.dicom_xml_reader import attributes_of_xml
from standards.errors import LimitExceeded
from tests.gateway.store_helper import (
    MULTIPART,
    STUDY,
    Gateway,
    MoodyArchive,
    WholeGateway,
    multipart,
    serving,
)
from tests.instances import instance

JSON, XML = "application/dicom+json", "application/dicom+xml"


@pytest.fixture
def gateway(sqlite, tmp_path):
    with serving(Gateway(sqlite, MoodyArchive(), tmp_path)) as gateway:
        yield gateway


def archived(gateway) -> list[bytes]:
    return [gateway.archive.read(key) for keys in gateway.archive.listing() for key in keys]


def raw_deflate(content: bytes) -> bytes:
    return zlib.compress(content, wbits=-zlib.MAX_WBITS)


CODED = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}


@pytest.mark.parametrize(
    ("coding", "compress"), [*CODED.items(), ("deflate", raw_deflate), ("GZIP", gzip.compress)]
)
def test_a_compressed_body_is_stored_as_it_was(gateway, coding, compress):
    contents = [instance(n) for n in range(1, 20)]
    body = compress(multipart(*contents))
    assert gateway.post(body, **{"Content-Encoding": coding}).status_code == 200
    assert sorted(archived(gateway)) == sorted(contents)


def test_a_compressed_body_may_come_in_chunks_and_in_members(gateway):
    body = multipart(*(instance(n) for n in range(1, 10)))
    members = gzip.compress(body[:5000]) + gzip.compress(body[5000:])
    pieces = (members[start : start + 100] for start in range(0, len(members), 100))
    assert gateway.post(pieces, **{"Content-Encoding": "gzip"}).status_code == 200
    assert gateway.count() == 9


@pytest.mark.parametrize(
    "content",
    [
        multipart(instance(1)),
        gzip.compress(multipart(instance(1)))[:-20],
        gzip.compress(multipart(instance(1))) + b"more",
        b"\x1f\x8b",
    ],
    ids=["not compressed", "cut", "goes on", "only begun"],
)
def test_a_damaged_coding_stores_nothing(gateway, content):
    reply = gateway.post(content, **{"Content-Encoding": "gzip"})
    assert reply.status_code == 400
    assert "compressed request body" in reply.json()["detail"]
    assert gateway.count() == 0


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "gzip, deflate"])
def test_other_codings_are_told_what_is_read(gateway, coding):
    """RFC 7694 section 3."""
    reply = gateway.post(multipart(instance(1)), **{"Content-Encoding": coding})
    assert reply.status_code == 415
    assert reply.headers["accept-encoding"] == "gzip, deflate, identity"


def test_identity_is_no_coding(gateway):
    for coding in ("identity", "", "identity, identity"):
        body = multipart(instance(1))
        assert gateway.post(body, **{"Content-Encoding": coding}).status_code == 200


def test_a_bomb_is_stopped_at_the_limit(sqlite, tmp_path):
    bomb = gzip.compress(multipart(b"\0" * (64 << 20)))
    assert len(bomb) < 100_000
    with serving(Gateway(sqlite, MoodyArchive(), tmp_path, maximum_inflated_mb=4)) as gateway:
        reply = gateway.post(bomb, **{"Content-Encoding": "gzip"})
        assert reply.status_code == 413
        assert "when inflated" in reply.json()["detail"]
        assert list(gateway.settings.spool.glob("*")) == []


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=5000).map(lambda content: content * 300),
    st.sampled_from(
        [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)]
    ),
    st.integers(1, 400),
)
def test_whatever_was_compressed_comes_back_in_small_pieces(content, form, step):
    coding, compress = form
    compressed = compress(content)
    inflater = Inflater(content_coding(coding), len(content))
    pieces = [
        piece
        for start in range(0, len(compressed), step)
        for piece in inflater.feed(compressed[start : start + step])
    ]
    inflater.finish()
    assert b"".join(pieces) == content
    assert all(len(piece) <= PIECE for piece in pieces)


def test_many_zeros_come_in_pieces_too():
    inflater = Inflater("gzip", 100 << 20)
    sizes = [len(piece) for piece in inflater.feed(gzip.compress(b"\0" * (40 << 20)))]
    inflater.finish()
    assert sum(sizes) == 40 << 20
    assert max(sizes) == PIECE


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["gzip", "deflate"]), st.lists(st.binary(max_size=40), max_size=5))
def test_hostile_bytes_are_damage_and_nothing_else(coding, chunks):
    inflater = Inflater(coding, 1000)
    try:
        for chunk in chunks:
            assert sum(map(len, inflater.feed(chunk))) <= 1000
        inflater.finish()
    except (DamagedCoding, LimitExceeded) as error:
        assert str(error)  # noqa: PT017


@given(st.text(max_size=30))
def test_any_content_encoding_is_known_or_refused(header):
    try:
        assert content_coding(header) in ("", "gzip", "deflate")
    except UnsupportedCoding as error:
        assert error.status == 415  # noqa: PT017


def test_the_answer_comes_as_xml_where_accept_asks(gateway):
    """SC-15: the response module as application/dicom+xml, one document or a multipart of one."""
    body = multipart(instance(1), b"no DICOM")
    told = gateway.post(body).json()
    alone = gateway.post(body, Accept=f"text/html, {JSON};q=0.5, {XML}")
    assert (alone.status_code, alone.headers["content-type"]) == (202, XML)
    assert attributes_of_xml(alone.content) == told
    parted = gateway.post(body, Accept=f'multipart/related; type="{XML}"')
    assert parted.headers["content-type"].startswith(f'multipart/related; type="{XML}"; boundary=')
    (document,) = re.findall(rb"\r\n\r\n(<\?xml.*)\r\n--", parted.content, re.DOTALL)
    assert attributes_of_xml(document) == told


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (f"{XML};q=0.2, {JSON};q=0.3", JSON),
        (f"{JSON};q=0, {XML};q=0.1", XML),
        ("application/json", "application/json"),
        ("text/html, */*;q=0.1", JSON),
    ],
)
def test_the_answer_is_what_the_client_wants_most(gateway, accept, answered):
    reply = gateway.post(multipart(instance(1)), Accept=accept)
    assert (reply.status_code, reply.headers["content-type"]) == (200, answered)


@pytest.mark.parametrize("accept", ["image/png", f"{JSON};q=0", 'multipart/related; type="a/b"'])
def test_an_answer_that_nobody_wants_is_refused_before_anything_is_stored(gateway, accept):
    reply = gateway.post(multipart(instance(1)), Accept=accept)
    assert reply.status_code == 406
    assert XML in reply.json()["detail"]
    assert gateway.count() == 0
    assert archived(gateway) == []


@contextmanager
def connected(root: str):
    address = urlsplit(root)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        yield connection


def until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received and (piece := connection.recv(65536)):
        received += piece
    return received


def head(*lines: str) -> bytes:
    first = ("POST /dicom-web/studies HTTP/1.1", "Host: gateway.example")
    return "\r\n".join((*first, *lines, "", "")).encode()


def test_100_continue_comes_when_the_body_will_be_read(gateway):
    """SC-10 as curl sends it: the head first, the body in chunks after 100 Continue."""
    body = multipart(instance(1))
    with connected(gateway.root) as connection:
        connection.sendall(
            head(f"Content-Type: {MULTIPART}", "Transfer-Encoding: chunked", "Expect: 100-continue")
        )
        assert until(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        for start in range(0, len(body), 300):
            chunk = body[start : start + 300]
            connection.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert until(connection, b"00081199").startswith(b"HTTP/1.1 200 OK\r\n")
    assert gateway.count() == 1


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("Content-Type: text/plain",), 415),
        ((f"Content-Type: {MULTIPART}", "Content-Encoding: br"), 415),
        ((f"Content-Type: {MULTIPART}", "Accept: image/png"), 406),
        (('Content-Type: multipart/related; type="application/dicom"',), 400),
    ],
)
def test_what_the_head_tells_is_answered_without_100_continue(gateway, lines, status):
    with connected(gateway.root) as connection:
        connection.sendall(head(*lines, "Content-Length: 1000000", "Expect: 100-continue"))
        assert until(connection, b"\r\n\r\n").startswith(f"HTTP/1.1 {status} ".encode())


def test_the_whole_application_answers_so_too(parts):
    """Its middleware reads no body ahead of the router."""
    with serving(WholeGateway(parts)) as whole:
        token = f"Authorization: Bearer {whole.token}"
        for lines, status in (
            ((token, "Content-Type: text/plain"), 415),
            ((f"Content-Type: {MULTIPART}",), 401),
            ((token, f"Content-Type: {MULTIPART}"), 100),
        ):
            with connected(whole.root) as connection:
                connection.sendall(head(*lines, "Content-Length: 1000", "Expect: 100-continue"))
                answer = until(connection, b"\r\n\r\n")
                assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
        headers = {"Authorization": f"Bearer {whole.token}", "Content-Encoding": "gzip"}
        body = gzip.compress(multipart(instance(1)))
        reply = whole.post(body, path=f"/studies/{STUDY}", Accept=XML, **headers)
        assert (reply.status_code, reply.headers["content-type"]) == (200, XML)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("more", [(), ("-H", "Transfer-Encoding: chunked"), ("--http1.0",)])
def test_curl_sends_a_large_body_and_gets_its_answer(gateway, tmp_path, more):
    """Above 1 MiB curl waits for 100 Continue, where HTTP/1.1 lets it."""
    large = instance(1, Rows=1024, Columns=1024, PixelData=b"\1\2" * 2**20)
    (tmp_path / "body").write_bytes(multipart(large))
    url = f"{gateway.root}/dicom-web/studies"
    told = ("-sS", "--fail", "-H", f"Content-Type: {MULTIPART}", "-H", f"Accept: {XML}")
    ran = subprocess.run(
        ["curl", *told, *more, "--data-binary", f"@{tmp_path / 'body'}", url],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert "00081199" in attributes_of_xml(ran.stdout)
    assert archived(gateway) == [large]

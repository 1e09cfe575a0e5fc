"""Bodies that are broken, endless, enormous or a lie, against a real `airgate serve`.

After each of them the same process still stores a good instance, and has not grown.
"""

import json
import time
import zlib

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.acceptance.hostile.wire import MULTIPART, STORE, Wire, store
from tests.bench.huge import Growth
from tests.gateway.store_helper import multipart
from tests.instances import instance
from tests.serving import Gateway
from tests.shared_data import shared_data
from tests.standards.test_part10 import element, part10_file
from tests.standards.test_reading_limits import HOSTILE

pytestmark = pytest.mark.serve

BODY_SECONDS = 2  # of the server, see conftest.py


def archived(gateway: Gateway) -> int:
    return sum(path.is_file() for path in (gateway.data / "archive").rglob("*"))


def reasons(body: bytes) -> list[int]:
    answer = json.loads(body)
    return [
        item["00081197"]["Value"][0]
        for sequence in ("00081198", "0008119A")
        for item in answer.get(sequence, {}).get("Value", [])
    ]


def stored(body: bytes) -> int:
    return len(json.loads(body).get("00081199", {}).get("Value", []))


def test_each_broken_file_alone_is_stored_or_refused_with_its_reason(gateway):
    for path in sorted(shared_data("broken").rglob("*.dcm")):
        started = time.monotonic()
        answer = store(gateway, path.read_bytes())
        assert answer.status in (200, 400, 409), path.name
        assert len(reasons(answer.body)) + stored(answer.body) == 1, path.name
        assert time.monotonic() - started < 20, path.name


def test_sc_3_all_broken_files_together_are_answered_one_by_one(gateway):
    """SC-3."""
    contents = [path.read_bytes() for path in sorted(shared_data("broken").rglob("*.dcm"))]
    answer = store(gateway, *contents, b"no DICOM")
    assert answer.status == 202
    assert len(reasons(answer.body)) + stored(answer.body) == len(contents) + 1
    assert set(reasons(answer.body)) <= {0x0110, 0x0122, 0xA900, 0xC000, 0xC122}


def test_sc_4_nothing_but_garbage_is_answered_with_a_data_set(gateway):
    """SC-4."""
    answer = store(gateway, b"no DICOM", b"", b"\0" * 200 + b"DICM")
    assert answer.status == 400
    assert b"application/dicom+json" in answer.head.lower()
    assert reasons(answer.body) == [0xC000] * 3


@pytest.mark.parametrize("sent", [0.3, 0.9])
def test_a_body_that_stops_half_way_stores_nothing_and_all_when_it_comes_again(gateway, sent):
    """What of it was archived already is named by no row, and is taken up by the next sending."""
    study = f"1.2.826.0.66.{int(sent * 10)}"
    contents = [instance(number, study=study) for number in range(40)]
    body, before = multipart(*contents), archived(gateway)
    found = f"/dicom-web/studies?StudyInstanceUID={study}"
    with Wire(gateway) as wire:
        kind = b"Content-Type: " + MULTIPART
        wire.head(b"POST", STORE.encode(), kind, b"Content-Length: %d" % len(body))
        wire.send(body[: int(len(body) * sent)])
        wire.end()
        assert wire.answer().status in (0, 400)
    assert gateway.client.json(found) == []

    assert store(gateway, *contents).status == 200
    (known,) = gateway.client.json(found)
    assert known["00201208"]["Value"] == [40]
    assert archived(gateway) == before + 40


def test_a_content_length_that_is_too_short_is_a_broken_body(gateway):
    body = multipart(instance(1, study="1.2.826.0.67"), instance(2, study="1.2.826.0.67"))
    kind = b"Content-Type: " + MULTIPART
    with Wire(gateway) as wire:
        wire.head(b"POST", STORE.encode(), kind, b"Content-Length: %d" % (len(body) - 300))
        wire.send(body)
        assert wire.answer().status == 400


def test_a_content_length_that_is_too_long_is_given_up_after_a_while(gateway):
    body = multipart(instance(1, study="1.2.826.0.68"))
    kind = b"Content-Type: " + MULTIPART
    started = time.monotonic()
    with Wire(gateway) as wire:
        wire.head(b"POST", STORE.encode(), kind, b"Content-Length: %d" % (len(body) + 5000))
        wire.send(body)
        answer = wire.answer()
    assert (answer.status, b"connection: close" in answer.head.lower()) == (408, True)
    assert BODY_SECONDS <= time.monotonic() - started < BODY_SECONDS + 5


@pytest.mark.parametrize("length", [b"-5", b"abc", b"5, 6", b"99999999999999999999999999"])
def test_a_content_length_that_is_no_length_is_a_bad_request(gateway, length):
    with Wire(gateway) as wire:
        wire.head(b"POST", STORE.encode(), b"Content-Length: " + length)
        assert wire.answer().status == 400


def test_a_body_that_falls_silent_is_given_up_and_one_that_dribbles_is_stored(gateway):
    body = multipart(instance(1, study="1.2.826.0.69"))
    kind = b"Content-Type: " + MULTIPART
    with Wire(gateway) as silent, Wire(gateway) as dribbling:
        for wire in (silent, dribbling):
            wire.head(b"POST", STORE.encode(), kind, b"Content-Length: %d" % len(body))
        silent.send(body[:100])
        for start in range(0, len(body), len(body) // 4):
            dribbling.send(body[start : start + len(body) // 4])
            time.sleep(BODY_SECONDS * 0.6)
        assert dribbling.answer().status == 200
        assert silent.answer().status == 408


def test_ten_thousand_parts_are_answered_one_by_one(gateway):
    good = [instance(number, study="1.2.826.0.70") for number in range(20)]
    answer = store(gateway, *good, *(b"no DICOM %d" % number for number in range(9_980)))
    assert answer.status == 202
    assert (stored(answer.body), reasons(answer.body)) == (20, [0xC000] * 9_980)


def test_more_parts_than_are_taken_are_refused_before_all_are_read(gateway):
    before = archived(gateway)
    assert store(gateway, *[b"x"] * 20_001).status == 413
    assert archived(gateway) == before


def deflated(size: int) -> bytes:
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    pieces = [deflater.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join(pieces) + deflater.flush()


def test_a_bomb_in_a_deflated_data_set_costs_no_memory(gateway):
    for size in (200 << 20, 1 << 30):  # within the limit, and beyond it
        bomb = part10_file(deflated(size), DeflatedExplicitVRLittleEndian)
        with Growth(gateway.pid) as growth:
            answer = store(gateway, bomb)
        assert (answer.status, reasons(answer.body)) == (400, [0xC000])
        assert growth.mib < 32


def test_the_bomb_of_the_collection_costs_no_memory(gateway):
    bomb = shared_data("broken", "made_deflate_bomb_256mib.dcm").read_bytes()
    with Growth(gateway.pid) as growth:
        assert store(gateway, bomb).status == 400
    assert growth.mib < 32


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("times", [1, 4])
def test_headers_made_to_take_memory_are_refused(gateway, kind, times):
    content = part10_file(HOSTILE[kind] * (1 if kind == "a long text" else 3))
    answer = store(gateway, *[content] * times)
    assert answer.status in (400, 409)
    assert len(reasons(answer.body)) == times


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, None])
def test_absurd_lengths_and_nesting_are_refused(gateway, syntax):
    sequence = element(0x0040, 0x0275, b"SQ", b"\xfe\xff\x00\xe0\xff\xff\xff\xff", 0xFFFFFFFF)
    for data_set in (
        sequence * 3000,
        element(0x0010, 0x4000, b"UT", b"x", 0xFFFFFFF0),
        element(0x7FE0, 0x0010, b"OW", b"x", 0xFFFFFFFE),
        element(0x7FE0, 0x0010, b"OB", b"\xfe\xff\x00\xe0\xff\xff\xff\xff", 0xFFFFFFFF),
        b"\xff" * 4096,
    ):
        content = part10_file(data_set) if syntax is None else part10_file(data_set, syntax)
        assert store(gateway, content).status == 400

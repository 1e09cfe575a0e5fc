"""Property tests of metadata with bulk data: whatever is sent, answers and no accident."""

import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.body import body_of
from gateway.index import Refused
from gateway.memory import MemoryBudget
from gateway.part import Part
from gateway.settings import Settings
from gateway.web_errors import DicomWebError
from standards.errors import MalformedMultipart
from standards.media_types import parse_media_type
from standards.part10 import read_header

UIDS = {
    "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
    "00080018": {"vr": "UI", "Value": ["1.2.3"]},
}

locations = st.sampled_from(["a", "b", "./a", "a/frames/1", "a/frames/2", "", "http://[", "\xe9"])
media_types = st.sampled_from(
    [
        "application/dicom+json",
        "application/dicom+xml",
        "application/octet-stream",
        "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.5",
        "image/jpeg",
        "image/x-jls",
        "video/mp4",
        "image/png; transfer-syntax=*",
        "text/html",
        "/",
        "",
    ]
)
elements = st.fixed_dictionaries(
    {"vr": st.sampled_from(["OW", "OB", "LO", "SQ"])},
    optional={
        "BulkDataURI": locations,
        "Value": st.lists(st.none() | st.text(max_size=3) | st.just({}), max_size=2),
    },
)
frames = st.fixed_dictionaries({"vr": st.just("IS"), "Value": st.lists(st.integers(-1, 3))})
data_sets = st.fixed_dictionaries(
    {},
    optional={"7FE00010": elements, "00420011": elements, "00280008": frames, "\ud800": elements},
).map(lambda attributes: UIDS | attributes)
contents = st.one_of(
    st.binary(max_size=20),
    st.lists(data_sets, max_size=2).map(lambda found: json.dumps(found).encode()),
)
parts = st.lists(st.tuples(media_types, locations, contents), max_size=5)


def body(sent: list[tuple[str, str, bytes]]) -> bytes:
    written = [
        f"--BB\r\nContent-Type: {media_type}\r\nContent-Location: {location}\r\n\r\n".encode(
            "latin-1"
        )
        + content
        + b"\r\n"
        for media_type, location, content in sent
    ]
    return b"".join(written) + b"--BB--\r\n"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts, st.integers(1, 200))
def test_each_instance_is_a_file_or_a_reason(sent, step):
    whole = body(sent)
    with tempfile.TemporaryDirectory() as folder:
        limits, memory = Settings(data=Path(folder)), MemoryBudget(1 << 20)
        media_type = parse_media_type(
            'multipart/related; type="application/dicom+json"; boundary=BB'
        )
        found: list[Part | Refused] = []
        try:
            with body_of(media_type, limits, memory) as reader:
                for start in range(0, len(whole), step):
                    found += reader.feed(whole[start : start + step])
                found += reader.finish()
        except (DicomWebError, MalformedMultipart) as error:
            assert str(error)  # noqa: PT017 (of the whole body)
        for each in found:
            if isinstance(each, Refused):
                assert each.reason
            else:
                with each.opened() as content:
                    read_header(content)
                each.discard()
        assert memory.held == 0
        assert not list(limits.spool.glob("*"))

"""SC-89: the DICOMweb resources, whose parameters and headers OpenAPI cannot describe.

Longer: AIRGATE_FUZZ_EXAMPLES=500 .venv/bin/pytest tests/gateway/fuzzing/test_fuzz_dicomweb.py
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.fuzzing.fuzzed import (
    DESCRIPTION,
    HEADERS,
    KNOWN,
    TIMEOUT_SECONDS,
    bounded,
    spare_study,
)
from tests.gateway.retrieve_example import FILES

OPERATIONS = [
    (method.upper(), path)
    for path, operations in DESCRIPTION["paths"].items()
    if path.startswith("/dicom-web")
    for method in operations
]
MULTIPART = 'multipart/related; type="application/dicom"; boundary=x'
HOSTILE = [
    "..",
    "../../etc/passwd",
    "0",
    "-1",
    "1." * 40,
    "'",
    "%00",
    "\u202e",
    "*",
    "?",
    ";",
    "\\",
]
QUERY_NAMES = [
    *("StudyDate", "StudyTime", "PatientName", "PatientID", "00100020", "ModalitiesInStudy"),
    *("StudyInstanceUID", "0020000E", "NumberOfStudyRelatedInstances", "InstanceNumber"),
    *("ReferencedSOPSequence.ReferencedSOPInstanceUID", "00081115.00081150", "7FE00010"),
    *("includefield", "limit", "offset", "fuzzymatching", "emptyvaluematching", "accept"),
    *("multiplevaluematching", "window", "viewport", "quality", "annotation", "charset"),
    *("presentationUID", "iccprofile", "transactionUID", "", "🦴"),
]
QUERY_VALUES = [
    *("20240101", "2024-", "-20240101", "20241399-20240101", "1010-1100", "M*", "Müller^Ä", "**"),
    *("1,2,3", "1\\2", "all", "true", "0", "-1", "1e9", "9" * 30, "40,400,linear", "1,1,linear,x"),
    *("512,512", "0,0", "100,100,1,1,5,5", "nan,inf", "101", "patient,technique", "*/*"),
]
ACCEPTS = [
    *("application/dicom", "application/dicom+json", "application/dicom+xml", "image/jpeg"),
    *("image/png;q=0.5, image/gif", "text/html", "application/octet-stream", "*/*", "x", "/", ","),
    'multipart/related; type="application/dicom"; transfer-syntax=*',
    "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.80",
    'multipart/related; type="image/*"; q=nan',
    'multipart/related; type="application/dicom+xml"',
    "*/*; q=0",
]
HEADER_NAMES = [
    *("Range", "If-None-Match", "If-Modified-Since", "Accept-Charset", "Accept-Encoding"),
    *("X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "Content-Type"),
    *("Content-Encoding", "If-Match", "If-Range", "Origin"),
]
HEADER_VALUES = [
    *("bytes=0-0", "bytes=-5", "bytes=9-3", "bytes=0-1,3-4", 'W/"x"', "*", "gzip", "zstd;q=0, br"),
    *("host=a;proto=https", "for=_x", 'host="', "http", "/a/b", "utf-8", "koi8-r"),
    *("multipart/related", MULTIPART),
    *("application/dicom", "application/dicom+json", "application/dicom+xml; charset=x"),
]

latin = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
values = st.sampled_from(QUERY_VALUES) | st.sampled_from(HOSTILE) | st.text(max_size=20)
names = st.sampled_from(QUERY_NAMES) | st.text(max_size=8)
accepts = st.sampled_from(ACCEPTS) | st.lists(st.sampled_from(ACCEPTS)).map(", ".join) | latin
odd_headers = st.dictionaries(
    st.sampled_from(HEADER_NAMES), st.sampled_from(HEADER_VALUES) | latin, max_size=2
)


@dataclass(frozen=True)
class Asked:
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@st.composite
def requests_to(draw: st.DrawFn, method: str, template: str) -> Asked:
    """Odd in one part or two, the rest being what exists: so it gets behind the first refusal."""
    odd = draw(st.sets(st.sampled_from(("path", "query", "accept", "headers")), max_size=2))
    return Asked(
        draw(paths(method, template, "path" in odd)),
        draw(st.lists(st.tuples(names, values), max_size=3)) if "query" in odd else [],
        {
            "Accept": draw(accepts if "accept" in odd else st.sampled_from(("*/*", *ACCEPTS[:6]))),
            **(draw(odd_headers) if "headers" in odd else {}),
        },
        draw(bodies()) if method == "POST" else b"",
    )


@st.composite
def paths(draw: st.DrawFn, method: str, template: str, odd: bool) -> str:
    """Its parameters filled in; deletions reach spare studies only."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if method == "DELETE":
            study = spare_study(draw(st.integers(0, 50)))
            return {"study": study, "series": f"{study}.1"}.get(name, f"{study}.1.1")
        known = st.sampled_from(KNOWN.get(name, HOSTILE))
        wild = st.sampled_from(HOSTILE) | st.text(max_size=70)
        return quote(draw(known | wild if odd else known), safe="/" if name == "path" else ",")

    return re.sub(r"\{(\w+)\}", value, template)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A multipart of real files, some of whose bytes were changed or cut off; or anything."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=300))
    parts = []
    for content in draw(st.lists(st.sampled_from(list(FILES.values())), min_size=1, max_size=3)):
        damaged = bytearray(content)
        for place in draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
            damaged[place] = draw(st.integers(0, 255))
        parts.append(bytes(damaged[: draw(st.integers(0, len(content)))]))
    head = b"--x\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + part + b"\r\n" for part in parts) + draw(
        st.sampled_from([b"--x--", b""])
    )


@pytest.mark.parametrize(("method", "template"), OPERATIONS, ids=map(" ".join, OPERATIONS))
def test_no_request_to_dicomweb_fails_on_its_side_SC_89(root, session, method, template):
    """SC-89: whatever stands in path, query, headers and body; and a refusal says why."""

    @bounded(30)
    @given(requests_to(method, template))
    def ask(asked: Asked) -> None:
        content_type = {"Content-Type": MULTIPART} if method == "POST" else {}
        sent = {**HEADERS, **content_type, **asked.headers}
        response = session.request(
            method,
            f"{root}{asked.path}?{urlencode(asked.query)}",
            headers={name: value.encode("latin-1").strip() for name, value in sent.items()},
            data=asked.body,
            timeout=TIMEOUT_SECONDS,
        )

        assert response.status_code < 500, response.text
        if response.status_code >= 400 and method != "HEAD":
            assert response.headers.get("Content-Type"), response.status_code

    ask()

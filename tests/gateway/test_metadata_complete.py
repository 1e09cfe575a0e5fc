"""SC-35: metadata tell every attribute of what is stored, as pydicom and DCMTK read it there."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from gateway.keeping import Part
from standards.dicom_xml_reader import attributes_of_xml
from tests.gateway.index_helper import Gateway
from tests.gateway.retrieve_example import FILES, get, instance_url, parts_of
from tests.gateway.test_retrieve_shared_data import _shared_files
from tests.shared_data import shared_data

XML = 'multipart/related; type="application/dicom+xml"'
WRITTEN_BY_US = "00083002"  # Available Transfer Syntax UID
NUMBERS = frozenset("DS FD FL IS SL SS SV UL US UV".split())  # noqa: SIM905
TEXTS = frozenset("AE AS CS DA DT LO LT PN SH ST TM UC UI UT".split())  # noqa: SIM905
Json = Mapping[str, Any]


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[tuple[str, frozenset[str]]]:
    """A gateway with every shared file that it takes: its root, and the names of those files."""
    gateway = Gateway(tmp_path_factory.mktemp("metadata"))
    taken = set()
    for name in _shared_files():
        content = shared_data(name).read_bytes()
        if not gateway.ingest.receive([Part(content)]).result.failed:
            taken.add(name)
    with gateway.serving() as root:
        yield f"{root}/dicom-web", frozenset(taken)
    gateway.close()


@pytest.mark.parametrize("name", FILES)
def test_sc_35_every_attribute_of_each_transfer_syntax(root, name):
    """SC-35."""
    header = get(instance_url(root, name) + "/metadata").json()[0]
    assert_complete(header, dcmread(BytesIO(FILES[name])))
    assert_links_lead_to_the_values(header, dcmread(BytesIO(FILES[name])))


@pytest.mark.parametrize("name", _shared_files() or ["transfer_syntaxes"])
def test_sc_35_every_attribute_of_real_files_at_three_levels_and_in_both_forms(shared, name):
    """SC-35."""
    path = shared_data(name)
    root, taken = shared
    if name not in taken:
        pytest.skip("refused at the door, or the same instance as another file")
    stored = dcmread(path)
    study = f"{root}/studies/{stored.StudyInstanceUID}"
    series = f"{study}/series/{stored.SeriesInstanceUID}"
    (header,) = get(f"{series}/instances/{stored.SOPInstanceUID}/metadata").json()

    assert_complete(header, stored)
    assert_agrees_with_dcmtk(header, path)
    assert_links_lead_to_the_values(header, stored)
    for url in (study, series):
        assert header in get(f"{url}/metadata").json()
    ((fields, body),) = parts_of(get(f"{series}/instances/{stored.SOPInstanceUID}/metadata", XML))
    assert fields["Content-Type"] == "application/dicom+xml"
    assert attributes_of_xml(body) == header


def assert_complete(header: Json, stored: Dataset) -> None:
    """The same tags at every depth, ascending, without group 0002 and group lengths."""
    assert list(header) == sorted(header)
    assert not any(tag.startswith(("0000", "0002")) for tag in header)
    tags = list(stored.keys())
    expected = {f"{tag:08X}" for tag in tags if tag & 0xFFFF and tag >> 16 >= 8}
    assert set(header) - {WRITTEN_BY_US} == expected - {WRITTEN_BY_US}
    for tag, element in header.items():
        assert len({"Value", "BulkDataURI", "InlineBinary"} & set(element)) <= 1
        if element["vr"] == "SQ" and tag != WRITTEN_BY_US:
            items = element.get("Value", [])
            assert len(items) == len(stored[tag].value or [])
            for item, inner in zip(items, stored[tag].value or [], strict=True):
                assert_complete(item, inner)


def assert_agrees_with_dcmtk(header: Json, path: Path) -> None:
    if shutil.which("dcm2json") is None:
        return
    told = subprocess.run(["dcm2json", str(path)], capture_output=True, check=False)
    try:
        theirs = json.loads(told.stdout, strict=False)
    except ValueError:  # it cannot read the file, or writes what it cannot say
        return
    for tag, element in theirs.items():
        if tag == "00080005":  # DCMTK tells what it has converted to, we what is stored (F.2.2)
            continue
        if tag in header and element["vr"] == header[tag]["vr"]:
            ours, judged = header[tag].get("Value", []), element.get("Value", [])
            if element["vr"] in NUMBERS:
                assert [_number(one) for one in ours] == pytest.approx(
                    [_number(one) for one in judged], rel=1e-6
                ), tag
            elif element["vr"] in TEXTS:
                assert _texts(ours) == _texts(judged), tag


def assert_links_lead_to_the_values(header: Json, stored: Dataset) -> None:
    for tag, element in header.items():
        if "BulkDataURI" in element:
            uri = element["BulkDataURI"]
            assert uri.startswith("http://127.0.0.1:")
            raw = stored.get_item(tag)
            if getattr(raw, "length", 0) == 0xFFFFFFFF:  # compressed: a part for each frame
                parts = parts_of(get(uri, "multipart/related; type=*/*; transfer-syntax=*"))
                assert len(parts) == int(stored.get("NumberOfFrames") or 1)
                continue
            answer = get(uri, "application/octet-stream")
            assert answer.status_code == 200, (uri, answer.text)
            if raw is not None and stored.original_encoding[1]:
                assert answer.content.rstrip(b"\0") == raw.value.rstrip(b"\0")
        for item, inner in zip(element.get("Value", []), _items(stored, tag), strict=False):
            assert_links_lead_to_the_values(item, inner)


def _items(stored: Dataset, tag: str) -> list[Dataset]:
    return list(stored[tag].value or []) if tag in stored and stored[tag].VR == "SQ" else []


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _text(value: Any) -> Any:
    """Paddings, and components of a name that are empty at its end, say nothing."""
    if isinstance(value, dict):
        return {group: name.rstrip("^ ") for group, name in value.items() if name.rstrip("^ ")}
    return value.strip(" \0") if isinstance(value, str) else value


def _texts(values: list[Any]) -> list[Any]:
    texts = [_text(value) or None for value in values]
    return texts if any(texts) else []

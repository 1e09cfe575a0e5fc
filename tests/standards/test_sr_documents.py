"""SR and Key Object documents as text and HTML: nothing of them lost, nothing of them trusted."""

import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pydicom import Dataset

from standards.derived import part10
from standards.errors import LimitExceeded
from standards.part10 import read_header
from standards.seg import segmentation
from standards.sr import report
from standards.sr_content import MOST_ITEMS, document
from standards.sr_html import report_html
from standards.sr_text import report_text
from tests.series import small_result
from tests.shared_data import SHARED_DATA, shared_data

DOCUMENTS = (
    "objects/petct_sr.dcm",
    "objects/sr_basic_text.dcm",
    "objects/sr_features.dcm",
    "objects/sr_tid1500_ct.dcm",
    "objects/sr_tid1500_groups.dcm",
    "objects/made_ko_on_ct.dcm",
)


class Words(HTMLParser):
    def __init__(self, content: str) -> None:
        super().__init__()
        self.said = ""
        self.feed(content)

    def handle_data(self, data: str) -> None:
        self.said += data


def _item(value_type: str, name: str, relationship: str = "CONTAINS", **values: object) -> Dataset:
    item = Dataset()
    item.ValueType, item.RelationshipType = value_type, relationship
    if name:
        item.ConceptNameCodeSequence = [_code("1", name)]
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _code(value: str, meaning: str, scheme: str = "99TEST") -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _number(value: str, unit: str, meaning: str, **attributes: object) -> Dataset:
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = [_code(unit, meaning, "UCUM")]
    return _item("NUM", "Size", MeasuredValueSequence=[measured], **attributes)


def _document(*items: Dataset, **attributes: object) -> Dataset:
    ds = Dataset()
    ds.ConceptNameCodeSequence = [_code("T", "Report")]
    ds.ContentSequence = list(items)
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def _said(ds: Dataset) -> str:
    return report_text(ds).partition("\n\n\n")[2].strip()


def _of_judge(path: Path) -> Iterator[str]:
    """What dsr2xml finds in the content tree: names, meanings, and values as they are written."""
    told = subprocess.run(["dsr2xml", path], capture_output=True, check=False).stdout
    if not told:
        pytest.skip("DCMTK does not read this document")
    (content,) = ElementTree.fromstring(told).iter("content")  # noqa: S314 (DCMTK's own)
    for parent in content.iter():
        for element in parent:
            is_name = element.tag == "meaning" and parent.tag != "unit"
            is_value = element.tag == "value" and parent.tag in ("text", "num", "code", "uidref")
            if (is_name or is_value) and element.text:
                yield element.text


@pytest.mark.parametrize("name", DOCUMENTS if SHARED_DATA.exists() else ["objects"])
@pytest.mark.skipif(shutil.which("dsr2xml") is None, reason="DCMTK is not installed")
def test_every_name_and_value_that_dcmtk_finds_is_shown(name):
    path = shared_data(name)
    ds = read_header(path.read_bytes()).dataset
    title = ds.ConceptNameCodeSequence[0].CodeValue  # of the root; its code is not shown

    text = " ".join(report_text(ds).split())
    html = " ".join(Words(report_html(ds, lambda uid: None)).said.split())

    found = {" ".join(word.split()) for word in _of_judge(path)} - {title}
    assert len(found) > 3
    assert not {word for word in found if word not in text}
    assert not {word for word in found if word not in html}


def test_our_own_report_says_what_was_measured_and_by_whom():
    result = small_result()
    content = part10(report(result, segmentation(result)))

    text = report_text(read_header(content).dataset)

    assert "[MADE BY SOFTWARE (AI)]" in text
    assert "[PRELIMINARY]" in text
    assert "[UNVERIFIED]" in text
    assert result.analysis.algorithm.name in text
    for measurement in result.findings.measurements:
        assert measurement.concept.meaning in text
    for structure in result.findings.label_map.structures:
        assert structure.name in text


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (_number("5.2", "mm", "millimeter"), "Size: 5.2 mm"),
        (_number("3", "{counts}", "counts"), "Size: 3 counts"),
        (_number("0.5", "1", "no units"), "Size: 0.5"),
        (
            _item("NUM", "Size", NumericValueQualifierCodeSequence=[_code("114000", "NaN")]),
            "Size: NaN",
        ),
        (_item("CODE", "Finding", ConceptCodeSequence=[_code("39607008", "Lung", "SCT")]),
         "Finding: Lung (39607008 SCT)"),
        (_item("DATE", "Seen on", Date="20240229"), "Seen on: 2024-02-29"),
        (_item("TIME", "Seen at", Time="101112.5"), "Seen at: 10:11:12"),
        (_item("DATETIME", "Seen", DateTime="20240229101112.5+0100"),
         "Seen: 2024-02-29 10:11:12 +0100"),
        (_item("PNAME", "By", PersonName="Doe^Jane^^Dr"), "By: Doe, Jane Dr"),
        (_item("UIDREF", "Tracked", UID="2.25.5"), "Tracked: 2.25.5"),
        (_item("SCOORD", "Region", GraphicType="POLYLINE", GraphicData=[1, 2, 3.5, 4]),
         "Region: polyline (1, 2) (3.5, 4)"),
        (_item("SCOORD", "Region", GraphicType="POLYLINE", GraphicData=list(range(20))),
         "Region: polyline (0, 1) (2, 3) (4, 5) (6, 7) ... 10 points"),
        (_item("SCOORD3D", "Region", GraphicType="POINT", GraphicData=[1, 2, 3]),
         "Region: point (1, 2, 3) mm, in the patient"),
        (_item("TABLE", "Table"), "Table: (a value of type TABLE, which is not shown here)"),
        (_item("TEXT", "Said", "INFERRED FROM", TextValue="so"), "inferred from Said: so"),
    ],
)  # fmt: skip
def test_each_kind_of_value_is_written_for_people(item, said):
    ds = _document(item)

    assert _said(ds) == said
    assert Words(report_html(ds, lambda uid: None)).said.strip().endswith(said)


def test_a_relationship_by_reference_leads_to_the_item():
    target = _item("TEXT", "First", TextValue="one")
    pointer = Dataset()
    pointer.RelationshipType = "INFERRED FROM"
    pointer.ReferencedContentItemIdentifier = [1, 1]
    ds = _document(target, _item("TEXT", "Second", TextValue="two", ContentSequence=[pointer]))

    html = report_html(ds, lambda uid: None)

    assert '<a href="#i1.1">see item 1.1</a>' in html
    assert 'id="i1.1"' in html
    assert "1.1 First: one" in report_text(ds)
    assert "inferred from: see item 1.1" in report_text(ds)


def test_a_reference_is_a_link_only_where_there_is_something_to_see():
    reference = Dataset()
    reference.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    reference.ReferencedSOPInstanceUID = "2.25.7"
    reference.ReferencedFrameNumber = [2, 5]
    ds = _document(_item("IMAGE", "Source", ReferencedSOPSequence=[reference]))

    with_link = report_html(ds, {"2.25.7": "/x?a=1&b=2"}.get)
    without = report_html(ds, lambda uid: None)

    assert '<a href="/x?a=1&amp;b=2">CT Image</a> (frame 2, 5)' in with_link
    assert "<a" not in without
    assert "2.25.7" in without


def test_the_images_of_a_library_share_a_line():
    images = []
    for number in range(300):
        reference = Dataset()
        reference.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        reference.ReferencedSOPInstanceUID = f"2.25.{number}"
        images.append(_item("IMAGE", "Source", ReferencedSOPSequence=[reference]))

    html = report_html(_document(*images), lambda uid: f"/{uid}")

    assert html.count('<div class="item"') == 1
    assert html.count("<a href=") == 300


def test_nothing_of_a_document_becomes_markup():
    hostile = '"><script>alert(1)</script>&amp;<b onload=x>'
    ds = _document(
        _item("TEXT", hostile[:60], TextValue=hostile),
        _item("CONTAINER", hostile[:60], ContentSequence=[_item("UIDREF", "U", UID=hostile)]),
        PatientName=hostile,
        PatientID=hostile,
        CompletionFlagDescription=hostile,
        CompletionFlag=hostile,
    )

    html = report_html(ds, lambda uid: hostile)

    assert "<script" not in html
    assert "<b onload" not in html
    assert Words(html).said.count("<script>alert(1)</script>") >= 5


def test_control_characters_do_not_reach_a_terminal():
    ds = _document(_item("TEXT", "Said", TextValue="a\x1b[31mred\x07"))

    assert _said(ds) == "Said: a [31mred"


def test_documents_of_nothing_and_of_nonsense_are_still_shown():
    odd = Dataset()
    odd.add_new(0x0040A040, "CS", "NUM")
    odd.add_new(0x0040A300, "SQ", [Dataset()])

    assert "Report" in report_text(Dataset())
    assert report_text(_document(odd))
    assert report_html(_document(Dataset(), odd), lambda uid: None)


def test_a_tree_without_end_is_refused():
    leaves = [_item("TEXT", "", TextValue="x")] * (MOST_ITEMS + 1)

    with pytest.raises(LimitExceeded):
        document(_document(*leaves))


def test_the_language_of_the_document_is_that_of_the_page():
    language = _item(
        "CODE",
        "Language of Content Item and Descendants",
        "HAS CONCEPT MOD",
        ConceptCodeSequence=[_code("de-AT", "German (Austria)", "RFC5646")],
    )

    assert '<html lang="de-AT">' in report_html(_document(language), lambda uid: None)
    assert '<html lang="en">' in report_html(_document(), lambda uid: None)


def test_a_verified_document_names_who_verified_it():
    verifier = Dataset()
    verifier.VerifyingObserverName, verifier.VerifyingOrganization = "Doe^Jane", "Clinic"
    verifier.VerificationDateTime = "20240102030405"
    ds = _document(VerificationFlag="VERIFIED", VerifyingObserverSequence=[verifier])

    text = report_text(ds)

    assert "[VERIFIED]" in text
    assert "Verified by: Doe, Jane, Clinic, 2024-01-02 03:04:05" in text

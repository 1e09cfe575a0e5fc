"""The report of an analysis without a result, read back from its bytes."""

from dataclasses import replace
from io import BytesIO

import highdicom as hd
import pytest
from pydicom import Dataset
from pydicom.sr.codedict import codes as dictionary

from standards import codes
from standards.analysis import Analysis, Document, Superseded
from standards.derived import part10
from standards.errors import StandardsError
from standards.sr_no_result import no_result_report
from tests import judges
from tests.series import ALGORITHM, small_result

WORK, REASON = "2.25.31", "slice spacing: found 3 mm and 9 mm, expected even gaps"
GEOMETRY = (
    "Rows",
    "Columns",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "FrameOfReferenceUID",
)


@pytest.fixture
def analysis() -> Analysis:
    return replace(small_result().analysis, again=WORK)


def written(analysis: Analysis, status=codes.ANALYSIS_NOT_ATTEMPTED, reason=REASON) -> bytes:
    return part10(no_result_report(analysis, status, reason))


def content(written: bytes) -> list[Dataset]:
    """The Qualitative Evaluations."""
    read = hd.sr.srread(BytesIO(written))
    (section,) = [
        item
        for item in read.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Qualitative Evaluations"
    ]
    return list(section.ContentSequence)


def without(header: Dataset, *keywords: str) -> Dataset:
    left = Dataset()
    left.update({element.tag: element for element in header if element.keyword not in keywords})
    return left


def test_it_says_what_became_of_the_analysis_and_why(analysis):
    summary, comment = content(written(analysis, codes.ANALYSIS_FAILED))

    assert summary.ConceptNameCodeSequence[0].CodeMeaning == "Summary of Analyses"
    status = summary.ConceptCodeSequence[0]
    assert (status.CodeValue, status.CodeMeaning) == ("111224", "Failed")
    assert summary.ContentSequence[0].TextValue == ALGORITHM.name
    assert comment.TextValue == f"{ALGORITHM.name} {ALGORITHM.version}: no result. {REASON}"


def test_its_status_is_of_the_context_group_for_results():
    group = {(one.value, one.meaning) for one in dictionary.cid6042.concepts.values()}
    for one in (codes.ANALYSIS_FAILED, codes.ANALYSIS_NOT_ATTEMPTED):
        assert (one.value, one.meaning) in group


@pytest.mark.parametrize("missing", [(), GEOMETRY])
def test_every_judge_accepts_it_though_the_images_lack_any_geometry(analysis, tmp_path, missing):
    source = tuple(without(header, *missing) for header in analysis.source)
    path = tmp_path / "none.dcm"
    path.write_bytes(written(replace(analysis, source=source)))

    assert judges.dciodvfy(path) == []
    assert judges.dsrdump(path) == []
    assert "Not Attempted" in judges.dsrdump_text(path)


def test_it_names_all_that_was_looked_at_and_what_it_takes_the_place_of(analysis):
    documents = (Document("1.2.3", "2.25.1", "2.25.11"), Document("1.2.3", "2.25.2", "2.25.22"))
    read = hd.sr.srread(
        BytesIO(written(replace(analysis, supersedes=Superseded(documents, "2.25.3"))))
    )

    (study,) = read.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    named = {one.ReferencedSOPInstanceUID for one in series.ReferencedSOPSequence}
    assert named == {header.SOPInstanceUID for header in analysis.source}
    (predecessors,) = read.PredecessorDocumentsSequence
    assert [
        (one.SeriesInstanceUID, one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for one in predecessors.ReferencedSeriesSequence
    ] == [("2.25.11", "2.25.1"), ("2.25.22", "2.25.2")]


def test_each_work_has_its_own_and_a_repeat_writes_the_same_bytes(analysis):
    assert written(analysis) == written(analysis)
    first, again = (
        hd.sr.srread(BytesIO(written(one)))
        for one in (analysis, replace(analysis, again="2.25.32"))
    )
    assert first.SOPInstanceUID != again.SOPInstanceUID
    assert first.SeriesInstanceUID != again.SeriesInstanceUID
    assert first.SeriesDescription == f"AI {ALGORITHM.name} no result"


def test_an_analysis_of_nothing_is_refused(analysis):
    with pytest.raises(StandardsError, match="at least one"):
        no_result_report(replace(analysis, source=()), codes.ANALYSIS_FAILED, REASON)

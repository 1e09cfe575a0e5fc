"""That an analysis gave no result, and why, as a structured report: silence is never an answer."""

from highdicom.sr import (
    CodeContentItem,
    Comprehensive3DSR,
    ContentSequence,
    RelationshipTypeValues,
)
from pydicom.sr.coding import Code

from standards import codes
from standards.analysis import Analysis
from standards.patient_study import study_attributes
from standards.sr_document import document, measurement_report, section
from standards.sr_groups import algorithm_of, text
from standards.sr_library import image_library

SERIES_NUMBER = 9006


def no_result_report(analysis: Analysis, status: Code, reason: str) -> Comprehensive3DSR:
    """Write one Comprehensive 3D SR in the study of the source, which may lack any geometry.

    analysis: `again` must be the UID of the work, since the same analysis may fail more than once
        and give a result at last. status: what became of it, of CID 6042. reason: for people,
        without anything of the patient.

    PS3.16 TID 1500 with one Qualitative Evaluation, the Summary of Analyses of CAD reports (TID
    4000), and the reason as Comment.
    """
    algorithm = analysis.algorithm
    instances = analysis.instances
    summary = CodeContentItem(codes.SUMMARY_OF_ANALYSES, status, RelationshipTypeValues.CONTAINS)
    summary.ContentSequence = ContentSequence(algorithm_of(algorithm))
    why = text(codes.COMMENT, f"{algorithm.name} {algorithm.version}: no result. {reason}")
    root = measurement_report(
        analysis,
        [
            image_library(instances, study_attributes(analysis.source[0])),
            *section(codes.QUALITATIVE_EVALUATIONS, [summary, why]),
        ],
    )
    return document(analysis, "no result", SERIES_NUMBER, instances, root)

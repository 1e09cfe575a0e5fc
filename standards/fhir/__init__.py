"""Findings as FHIR R4 (4.0.1): what an EHR reads. Pure: values in, resources out.

Built with the R4B models of fhir.resources, in the elements that R4 and R4B share.
"""

from standards.fhir.answer import no_result, resources
from standards.fhir.imaging_study import merged
from standards.fhir.references import References, ResultInstance
from standards.fhir.withdrawal import withdrawn, without_instances

__all__ = [
    "References",
    "ResultInstance",
    "merged",
    "no_result",
    "resources",
    "withdrawn",
    "without_instances",
]

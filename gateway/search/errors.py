"""What a search can get wrong. Every one is refused: an unfiltered list would be worse.

Messages name parameters, never what was searched for: it may be a patient's name.
"""

from gateway.web_errors import DicomWebError


class MalformedQuery(DicomWebError):
    """A query string that is not what RFC 3986 and PS3.18 8.3.4.1 ask for."""

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the query has {found}; expected {expected}")


class InvalidParameter(DicomWebError):
    """A query parameter whose value does not follow PS3.18 8.3.4."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        self.name, self.found, self.expected = name, found, expected
        super().__init__(f"parameter {name[:80]} is {found}; expected {expected}")


class UnknownParameter(DicomWebError):
    """Neither a search parameter nor an attribute of the data dictionary."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name[:80]!r} is no search parameter and no DICOM attribute; expected a keyword such "
            "as PatientID, a tag such as 00100020, or a path such as "
            "RequestAttributesSequence.RequestedProcedureID"
        )


class NotMatchable(DicomWebError):
    """An attribute that exists but that this search cannot compare."""

    def __init__(self, name: str, resource: str, reason: str) -> None:
        self.name, self.resource, self.reason = name, resource, reason
        super().__init__(f"{name[:80]} cannot be matched in a search for {resource}: {reason}")


class SearchTooBroad(DicomWebError):
    """A search that would take longer than it may (PS3.18 Table 10.6.3-1)."""

    status = 413

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            f"the search is too broad: it was not done after {seconds:g} s, which "
            "AIRGATE_SEARCH_SECONDS allows. Narrow it by an attribute that is indexed (PatientID, "
            "PatientName, AccessionNumber, StudyDate, ModalitiesInStudy, a UID)"
        )

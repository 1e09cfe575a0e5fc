"""What a search can get wrong. Every one is refused: an unfiltered list would be worse."""

from gateway.web_errors import DicomWebError


class InvalidParameter(DicomWebError):
    """A query parameter whose value does not follow PS3.18 8.3.4."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        self.name, self.found, self.expected = name, found, expected
        super().__init__(f"parameter {name} is {found}; expected {expected}")


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

    def __init__(self, name: str, resource: str, matchable: str) -> None:
        self.name, self.resource, self.matchable = name, resource, matchable
        super().__init__(
            f"{name[:80]} cannot be matched in a search for {resource}; matchable are {matchable}"
        )

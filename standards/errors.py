"""What can be wrong with values, said for the person who will read it.

Each class carries the facts of its message as attributes, so no code parses text.
Messages name UIDs, attributes and numbers, never a patient.
"""

from collections.abc import Sequence


class StandardsError(ValueError):
    """A value does not fit what the standard, or this program, asks of it."""


class UndescribedLabel(StandardsError):
    """The voxels hold a label that no structure explains."""

    def __init__(self, label: int, described: int) -> None:
        self.label, self.described = label, described
        super().__init__(
            f"voxels contain label {label} but {described} structure(s) are described; "
            "add the missing one to `structures`"
        )


class UnknownFinding(StandardsError):
    """A model answered with what is no finding, so that no carrier could say it."""

    def __init__(self, found: str, known: Sequence[str]) -> None:
        self.found, self.known = found, tuple(known)
        super().__init__(
            f"the model claims a {found}, which is no finding; expected values of "
            f"standards/findings.py: {', '.join(self.known)}"
        )


class FindingsUnreadable(StandardsError):
    """A file of kept findings is damaged, or holds what this program never writes into one."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"kept findings cannot be read: {found}; expected what standards/findings_file.py "
            "writes: order the work that found them again"
        )


class SourceMismatch(StandardsError):
    """Voxels and the instances they were drawn on differ in slices, rows or columns."""

    def __init__(self, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
        self.found, self.expected = found, expected
        super().__init__(
            f"voxels have shape {found} but the source instances have (slices, rows, columns) "
            f"{expected}; return one voxel plane for each source instance"
        )


class UnfitSeries(StandardsError):
    """A series cannot become a volume. `check` names the test that it failed."""

    def __init__(self, check: str, found: str, expected: str) -> None:
        self.check, self.found, self.expected = check, found, expected
        super().__init__(f"{check}: found {found}, expected {expected}")


class NotDicom(StandardsError):
    """Bytes that cannot be read as one DICOM instance, or that lack what identifies it."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"not a DICOM instance that can be kept: {found}; "
            "expected a DICOM Part 10 file with Study, Series and SOP Instance UID (PS3.10 7)"
        )


class HeaderTooLarge(NotDicom):
    """A header that takes more memory than a reader was allowed."""

    def __init__(self, memory: int) -> None:
        self.memory = memory
        super().__init__(f"a header that takes more than {memory >> 20} MiB to read")


class MalformedMultipart(StandardsError):
    """A multipart/related body that does not follow RFC 2046."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"malformed multipart body: {found}; expected parts as in RFC 2046 5.1.1")


class LimitExceeded(MalformedMultipart):
    """A body that is larger, or has more parts, than this server accepts."""


class MalformedMetadata(StandardsError):
    """Metadata, or one attribute, that do not follow DICOM JSON or the Native DICOM Model."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"metadata that cannot be read: {found}; expected DICOM JSON as in PS3.18 Annex F, "
            "or a Native DICOM Model as in PS3.19 A.1"
        )


class UnknownAttribute(StandardsError):
    """A keyword, tag or path that the DICOM data dictionary does not know."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"unknown attribute {name[:80]!r}; expected a DICOM keyword such as Modality "
            "or a tag of eight hexadecimal digits such as 00080060"
        )


class UnfitValue(StandardsError):
    """A value of a query that its attribute cannot be compared with (PS3.4 C.2.2.2)."""

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the value is {found}; expected {expected}")


class MissingFinding(StandardsError):
    """A carrier was asked for that the findings hold nothing for."""

    def __init__(self, carrier: str, expected: str) -> None:
        self.carrier, self.expected = carrier, expected
        super().__init__(
            f"the findings have nothing to write as {carrier}; expected {expected}; "
            "leave this carrier out or let the model return it"
        )


class InvalidWorkitem(StandardsError):
    """A data set that is none that a Unified Procedure Step may be made from, or changed by."""

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the workitem has {found}; expected {expected} (PS3.4 Table CC.2.5-3)")


class WorkitemRefused(StandardsError):
    """What the state of a workitem, or who holds it, does not allow.

    code:  the DIMSE status (PS3.4 Tables CC.2.1-2, CC.2.2-2 and CC.2.6-1).
    status, warning:  what PS3.18 11 answers: HTTP status, and text of the Warning header.
    """

    def __init__(self, code: int, status: int, warning: str, why: str) -> None:
        self.code, self.status, self.warning = code, status, warning
        super().__init__(f"{warning} {why}")

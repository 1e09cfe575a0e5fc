"""What requests of the Worklist Service can get wrong before a workitem is even looked at."""

from gateway.web_errors import DicomWebError

READ = (
    "application/dicom+json, application/dicom+xml, or one of them as the only part of "
    "multipart/related"
)


class UnsupportedWorkitem(DicomWebError):
    status = 415

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"the request body is {found[:100]!r}; send {READ}")


class NotOneDataSet(DicomWebError):
    def __init__(self, found: int) -> None:
        self.found = found
        super().__init__(
            f"the request holds {found} data sets; send exactly one, as PS3.18 11 asks"
        )


class UnusableUid(DicomWebError):
    def __init__(self, what: str, expected: str) -> None:
        self.what, self.expected = what, expected
        super().__init__(f"the {what} of the request cannot be used; expected {expected}")


class WorkitemExists(DicomWebError):
    """PS3.18 Table 11.4.3-1."""

    status = 409

    def __init__(self, uid: str) -> None:
        self.uid = uid
        super().__init__(
            f"workitem {uid} exists; create this one under a new UID, or update the one there is"
        )


class UnusableSubscription(DicomWebError):
    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the subscription has {found}; expected {expected}")

"""What cannot be rendered, and why."""

from gateway.web_errors import DicomWebError


class InvalidRendering(DicomWebError):
    """A rendering parameter that does not follow PS3.18 8.3.5.1."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        self.name, self.found, self.expected = name, found, expected
        super().__init__(f"parameter {name} is {found[:80]!r}; expected {expected}")


class NotRenderable(DicomWebError):
    """An instance, or all of a series or study, of which no picture or document can be made."""

    status = 406

    def __init__(self, resource: str, uid: str, reason: str) -> None:
        self.resource, self.uid, self.reason = resource, uid, reason
        super().__init__(
            f"{resource} {uid[:80]} cannot be rendered: {reason}; "
            "retrieve its metadata or the instance itself"
        )


class TooLargeToRender(DicomWebError):
    """More pixels than one picture may have here."""

    status = 413

    def __init__(self, found: str, largest: int) -> None:
        self.found, self.largest = found, largest
        super().__init__(
            f"{found}; at most {largest} megapixels are rendered here "
            "(AIRGATE_MAXIMUM_RENDERED_MEGAPIXELS)"
        )

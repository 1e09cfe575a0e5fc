"""Base of what DICOMweb transactions refuse, each with the HTTP status it becomes (PS3.18 8.5)."""

from gateway.errors import GatewayError


class DicomWebError(GatewayError):
    """A DICOMweb request that cannot be answered as it stands."""

    status = 400


class NotAcceptable(DicomWebError):
    """No media type the client accepts can be produced for the resource."""

    status = 406

    def __init__(self, resource: str, offered: str) -> None:
        self.resource, self.offered = resource, offered
        super().__init__(
            f"none of the media types in Accept can be given for {resource}; offered: {offered}"
        )

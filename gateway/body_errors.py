"""What is wrong with the body of a store request as a whole; nothing of it is stored then."""

from gateway.web_errors import DicomWebError

READ = (
    'multipart/related; type="application/dicom", or application/dicom for a single instance; '
    'for metadata with bulk data, multipart/related; type="application/dicom+json" '
    'or type="application/dicom+xml"'
)


class UnsupportedBody(DicomWebError):
    """The media type of a request body is none that this server reads."""

    status = 415

    def __init__(self, found: str) -> None:
        super().__init__(f"the request body is {found[:100]!r}; send {READ}")


class SpoolFull(DicomWebError):
    """The disk of the spool has no room for a large instance."""

    status = 507

    def __init__(self, found: str) -> None:
        super().__init__(
            f"the gateway's disk cannot take a large instance ({found}); nothing was stored, "
            "free space in the data folder and send again"
        )


class EmptyBody(DicomWebError):
    def __init__(self) -> None:
        super().__init__("the request holds no instance; send at least one")

"""What a retrieval cannot give, and why."""

from pydicom.uid import ExplicitVRLittleEndian

from gateway.web_errors import DicomWebError


class NoSuchResource(DicomWebError):
    """The index holds nothing under these UIDs."""

    status = 404

    def __init__(self, resource: str, uid: str) -> None:
        self.resource, self.uid = resource, uid
        super().__init__(f"no {resource} {uid[:80]} is stored here under the path asked for")


class Gone(DicomWebError):
    """Once it was here: deleted on purpose, and not stored again since."""

    status = 410

    def __init__(self, resource: str, uid: str) -> None:
        self.resource, self.uid = resource, uid
        super().__init__(f"{resource} {uid} was deleted here; it may be stored again")


class InvalidFrameList(DicomWebError):
    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"frame list {found[:80]!r}; expected frame numbers from 1 with commas between, "
            "such as 1 or 1,2,5"
        )


class NoSuchFrame(DicomWebError):
    status = 404

    def __init__(self, number: int, frames: int) -> None:
        self.number, self.frames = number, frames
        super().__init__(f"no frame {number}; the instance has {frames} frame(s), from 1")


class NoPixelData(DicomWebError):
    """An instance, or every instance of a series or study, without an image in it."""

    status = 404

    def __init__(self, resource: str, uid: str) -> None:
        self.resource, self.uid = resource, uid
        super().__init__(
            f"{resource} {uid} has no pixel data (a report, presentation state, plan or waveform); "
            "retrieve its metadata or the instance itself"
        )


class UnusablePixelData(DicomWebError):
    """Pixel data that are stored but do not hold the frames their header promises."""

    status = 404

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"the stored pixel data cannot be read: {found}; "
            "the instance itself is given as stored for transfer-syntax=*"
        )


class NotDecodable(DicomWebError):
    """A transfer syntax for which no decoder is installed, or data that it cannot decode."""

    status = 406

    def __init__(self, transfer_syntax_uid: str, found: str) -> None:
        self.transfer_syntax_uid, self.found = transfer_syntax_uid, found
        super().__init__(
            f"pixel data in transfer syntax {transfer_syntax_uid} cannot be decoded here: {found}; "
            "ask for transfer-syntax=* to get them as stored"
        )


class NotEncodable(DicomWebError):
    """An image that cannot be put into the transfer syntax that was asked for."""

    status = 406

    def __init__(self, transfer_syntax_uid: str, found: str) -> None:
        self.transfer_syntax_uid, self.found = transfer_syntax_uid, found
        super().__init__(
            f"this image cannot be given in transfer syntax {transfer_syntax_uid}: {found}; "
            f"ask for transfer-syntax=* to get it as stored, or {ExplicitVRLittleEndian}"
        )


class NoBulkData(DicomWebError):
    status = 404

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"no bulk data at {path[:80]!r}; take the BulkDataURI from the metadata of the instance"
        )

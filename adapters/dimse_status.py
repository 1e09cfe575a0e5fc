"""The status that a DIMSE service answers with."""

from dataclasses import dataclass

from pydicom.dataset import Dataset

_LONGEST_COMMENT = 64  # characters of Error Comment (0000,0902), VR LO


@dataclass(frozen=True, slots=True)
class Status:
    """PS3.4 B.2.3, PS3.7 Annex C: 0 is success. comment: shown to the sender. error: Error ID."""

    code: int = 0x0000
    comment: str = ""
    error: int | None = None

    def dataset(self) -> Dataset:
        """As pynetdicom takes it."""
        answer = Dataset()
        answer.Status = self.code
        if self.comment:
            answer.ErrorComment = self.comment[:_LONGEST_COMMENT]
        if self.error is not None:
            answer.ErrorID = self.error
        return answer


PROCESSING_FAILURE = Status(0x0110, "unexpected error; see the log of the receiver")

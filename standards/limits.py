"""How far a reader goes with bytes that anybody may have sent, and what reading them costs."""

from dataclasses import dataclass

from standards.vrs import BINARY, TEXTS

SMALLEST_LEFT = 1 << 16  # bytes of a value that may be left where it lies

# Bytes of memory: of an element in a data set and in JSON, of an item, of a fragment hopped over.
ELEMENT, ITEM, FRAGMENT = 1024, 2048, 64
SMALL = 64  # bytes of a value that are within what an element takes


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a reader goes with bytes that anybody may have sent.

    memory: bytes that what is read may take, roughly; by default as many as it needs.
    inflated: bytes of a deflated data set.
    leave_bulk: binary values of SMALLEST_LEFT bytes or more stay where they lie, as Left.
    """

    memory: int = 1 << 62
    inflated: int = 256 << 20
    leave_bulk: bool = False


class Left(bytes):
    """A value that was not read: it stands for `length` bytes at `offset` of the walked buffer."""

    offset: int
    length: int

    @classmethod
    def at(cls, offset: int, length: int) -> "Left":
        left = cls()
        left.offset, left.length = offset, length
        return left

    def __len__(self) -> int:
        return self.length


def memory_of(vr: str, value: bytes) -> int:
    """Bytes that a value takes once it is written as JSON: each of several is an object.

    UN may turn out to be anything, and `US or SS` is numbers.
    """
    if vr in TEXTS:
        return len(value) * 3 + value.count(b"\\") * (512 if vr == "PN" else 64)
    return len(value) * (1 if vr in BINARY and vr != "UN" else 24)

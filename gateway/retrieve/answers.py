"""What a retrieval answers, and multipart bodies of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

from gateway.retrieve.located import Located, Stamp
from standards.dicomweb import MultipartWriter, Part
from standards.elements import Buffer

Piece = TypeVar("Piece")


@dataclass(frozen=True)
class Answer:
    """A body in pieces, and its Content-Type. A single piece is given as bytes.

    located:  the instances that it is made from, and nothing else but the request.
    length:  of the body in bytes, where that is known and any part of it may be asked for.
    at_hand:  gives the body where any part of it can be taken without those before it.
    content_length:  of the body in bytes, where that is known although no part may be asked for:
        a multipart body has another boundary the next time.
    """

    content_type: str
    body: Iterable[bytes] | bytes
    located: Sequence[Located | Stamp] = ()
    length: int | None = None
    at_hand: Callable[[], Buffer] | None = None
    content_length: int | None = None


def multipart(
    root: str,
    parts: Iterable[Part],
    located: Sequence[Located] = (),
    transfer_syntax: str | None = None,
) -> Answer:
    """root: media type of the parts. transfer_syntax: when it is the same for all of them."""
    writer = MultipartWriter(root, transfer_syntax)
    return Answer(writer.content_type, writer.body(parts), located)


def whole(
    root: str, part: Part, located: Sequence[Located] = (), transfer_syntax: str | None = None
) -> Answer:
    """A multipart of one part, in one piece: the usual answer to a viewer."""
    writer = MultipartWriter(root, transfer_syntax)
    return Answer(writer.content_type, b"".join(writer.body([part])), located)


def with_beginning(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same pieces, the first of them read already: what fails there is raised here and now."""
    return chain(list(islice(pieces, 1)), pieces)

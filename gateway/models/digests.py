"""What a client says its bytes hash to (RFC 9530), held against what came."""

import base64
import hashlib
import re
from collections.abc import Mapping

from gateway.errors import GatewayError, Unprocessable

ALGORITHMS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
# Where no content coding is undone, both are about the same bytes.
HEADERS = ("content-digest", "repr-digest")
_MEMBER = re.compile(r"\s*([a-z0-9-]+)=:([A-Za-z0-9+/]*={0,2}):\s*")


class BadDigest(GatewayError):
    """The header is not written as RFC 9530 has it."""

    status = 400

    def __init__(self, header: str) -> None:
        super().__init__(
            f"{header} cannot be read; expected `sha-256=:...:` with the digest in base64"
        )


class DigestDiffers(Unprocessable):
    def __init__(self, where: str, told: str, found: str) -> None:
        super().__init__(f"{where} tells {told}, but what came has {found}; send it again")


class BodyDigests:
    """Feed it the body as it comes; `check` compares."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Raises BadDigest, and Unprocessable for algorithms that are not known here."""
        self._expected = [
            (name, algorithm, told, ALGORITHMS[algorithm]())
            for name in HEADERS
            if name in headers
            for algorithm, told in _known(name, headers[name])
        ]

    def take(self, data: bytes) -> None:
        for *_, found in self._expected:
            found.update(data)

    def check(self) -> None:
        """Raises DigestDiffers."""
        for name, algorithm, told, found in self._expected:
            if told != found.digest():
                raise DigestDiffers(name, _text(algorithm, told), _text(algorithm, found.digest()))


def _known(name: str, header: str) -> list[tuple[str, bytes]]:
    """A structured dictionary (RFC 8941 3.2) of byte sequences; others' algorithms are passed."""
    members = [_MEMBER.fullmatch(one) for one in header.split(",")]
    try:
        told = [(one[1], base64.b64decode(one[2], validate=True)) for one in members if one]
    except ValueError as error:
        raise BadDigest(name) from error
    if len(told) < len(members):
        raise BadDigest(name)
    known = [(algorithm, digest) for algorithm, digest in told if algorithm in ALGORITHMS]
    if not known:
        raise Unprocessable(
            f"{name} has no digest that is known here; send {' or '.join(ALGORITHMS)}"
        )
    return known


def _text(algorithm: str, digest: bytes) -> str:
    return f"{algorithm}=:{base64.b64encode(digest).decode()}:"

"""Which decoders read the compressed instances of a series, as its result tells."""

from collections import defaultdict
from dataclasses import dataclass, field

from gateway.uncompressing import Plain


@dataclass
class _Read:
    """instances: how many one decoder made plain. seconds: others that some were compared with."""

    instances: int = 0
    compared: int = 0
    seconds: set[str] = field(default_factory=set)
    difference: float = 0.0


class DecodersUsed:
    """Counts as the instances of one series pass; safe only within one thread."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], _Read] = defaultdict(_Read)

    def add(self, transfer_syntax_uid: str, plain: Plain) -> None:
        read = self._read[transfer_syntax_uid, plain.decoder]
        read.instances += 1
        if plain.second:
            read.compared += 1
            read.seconds.add(plain.second)
            read.difference = max(read.difference, plain.difference)

    def told(self) -> list[dict[str, object]]:
        """For the AIR result tree; a syntax that no second decoder read has `compared` 0."""
        return [
            {
                "transfer_syntax_uid": transfer_syntax_uid,
                "decoder": decoder,
                "instances": read.instances,
                "compared": read.compared,
                "second_decoders": sorted(read.seconds),
                "largest_difference": read.difference,
            }
            for (transfer_syntax_uid, decoder), read in self._read.items()
        ]

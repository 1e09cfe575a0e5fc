"""Instances in the archive but not in the index, while that may still be a request's work."""

from collections.abc import Iterable
from dataclasses import dataclass

from adapters.archive import Held

# A request archives its instances one by one and indexes them at its end: what came by HTTP is left
# alone while its study still grows.
GRACE_SECONDS = 15.0
LONGEST_SECONDS = 600.0  # then it is taken, however busy the study: indexing twice is no harm


@dataclass(frozen=True, slots=True)
class Waiting:
    """study: the archive's own name of it. seq: its place in the log, if it was found there.

    not_before: archive's time before which it is not looked at again.
    """

    held: Held
    study: str
    seq: int | None = None
    not_before: float = 0.0


class WaitingRoom:
    """By key, in the order of their coming."""

    def __init__(self, grace_seconds: float) -> None:
        self._grace = grace_seconds
        self._waiting: dict[str, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: object) -> bool:
        return key in self._waiting

    def add(self, waiting: Waiting) -> None:
        self._waiting[waiting.held.key] = waiting

    def leave(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._waiting.pop(key, None)

    @property
    def by_study(self) -> list[list[Waiting]]:
        studies: dict[str, list[Waiting]] = {}
        for one in self._waiting.values():
            studies.setdefault(one.study, []).append(one)
        return list(studies.values())

    def is_due(self, study: list[Waiting], now: float) -> bool:
        """Whether these of one study are to be indexed now. now: the archive's time."""
        if max(one.not_before for one in study) > now:
            return False
        return not self.may_be_in_flight((one.held for one in study), now)

    def may_be_in_flight(self, held: Iterable[Held], now: float) -> bool:
        """Whether these instances of one study may be a request's that is under way."""
        by_http = [one.came_at for one in held if not one.service]
        return bool(by_http) and (
            max(by_http) + self._grace > now and min(by_http) + LONGEST_SECONDS > now
        )

    def position(self, seen: int) -> int:
        """Up to which change all is indexed, when the log was read up to `seen`."""
        return min([seen, *(one.seq - 1 for one in self._waiting.values() if one.seq is not None)])

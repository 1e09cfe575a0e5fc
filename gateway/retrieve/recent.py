"""What was used a moment ago, as long as it fits."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The least recently used leave when all together weigh more than `capacity`.

    Safe among threads.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.weight = 0
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> Value | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: Key, value: Value, weight: int) -> None:
        """Keep it, in place of what was there, unless it alone would fill everything."""
        with self._lock:
            self._remove(key)
            if weight > self.capacity:
                return
            self._entries[key] = (value, weight)
            self.weight += weight
            while self.weight > self.capacity:
                self._remove(next(iter(self._entries)))

    def keys(self) -> list[Key]:
        with self._lock:
            return list(self._entries)

    def remove(self, keys: Iterable[Key]) -> None:
        """Not being there is no error."""
        with self._lock:
            for key in keys:
                self._remove(key)

    def _remove(self, key: Key) -> None:
        if key in self._entries:
            _, weight = self._entries.pop(key)
            self.weight -= weight

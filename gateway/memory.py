"""How much of what arrives may wait in memory, over all requests of this process."""

from threading import Lock


class MemoryBudget:
    """Bytes that all leases together may hold. Safe among threads."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.held = capacity, 0
        self._lock = Lock()

    def lease(self) -> "Lease":
        return Lease(self)

    def take(self, size: int) -> bool:
        """False, and nothing is taken, when there is no room for it."""
        with self._lock:
            fits = self.held + size <= self.capacity
            if fits:
                self.held += size
            return fits

    def give(self, size: int) -> None:
        with self._lock:
            self.held -= size


class Lease:
    """What one holder has of a budget. Used by one thread at a time."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget, self._size = budget, 0

    def grow(self, size: int) -> bool:
        """False, and the lease stays as it is, when the budget has no room for it."""
        fits = self._budget.take(size)
        if fits:
            self._size += size
        return fits

    def release(self) -> None:
        """Give back all of it; again is no error."""
        size, self._size = self._size, 0
        self._budget.give(size)

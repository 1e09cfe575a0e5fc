"""Multi-frame instances that were read a moment ago: viewers ask for their frames one by one."""

from collections import OrderedDict
from threading import Lock

from gateway.retrieve.pixels import StoredPixels


class PixelCache:
    """The least recently used leave when the bytes held exceed `capacity`. Safe among threads."""

    def __init__(self, capacity: int = 256 << 20) -> None:
        self.capacity = capacity
        self.held = 0
        self._entries: OrderedDict[str, StoredPixels] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> StoredPixels | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: str, pixels: StoredPixels) -> None:
        """Keep it, unless it alone would fill the cache."""
        with self._lock:
            if pixels.size > self.capacity or key in self._entries:
                return
            self._entries[key] = pixels
            self.held += pixels.size
            while self.held > self.capacity:
                _, oldest = self._entries.popitem(last=False)
                self.held -= oldest.size

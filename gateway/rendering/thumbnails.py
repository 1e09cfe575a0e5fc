"""Thumbnails at every level: one small picture that names nobody (PS3.18 10.4.1.1.4)."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from threading import Lock

from gateway.rendering.answers import Given, whole
from gateway.rendering.encoding import encoded, image_types
from gateway.rendering.frame import Rendered
from gateway.rendering.icons import icon
from gateway.rendering.images import Images
from gateway.rendering.negotiation import Wanted, choose
from gateway.rendering.parameters import Viewport
from gateway.rendering.representative import representative_frame, representative_target
from gateway.rendering.targets import Category, Target, targets
from gateway.retrieve.errors import InvalidFrameList, NoSuchFrame
from gateway.retrieve.located import Scope


class ThumbnailCache:
    """What was made a moment ago, since worklists ask for the same again and again.

    The least recently used leave when the bytes held exceed `capacity`. Safe among threads.
    """

    def __init__(self, capacity: int = 16 << 20) -> None:
        self.capacity = capacity
        self.held = 0
        self._entries: OrderedDict[Hashable, Rendered] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Rendered | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: Hashable, rendered: Rendered) -> None:
        with self._lock:
            if key in self._entries or len(rendered.content) > self.capacity:
                return
            self._entries[key] = rendered
            self.held += len(rendered.content)
            while self.held > self.capacity:
                _, oldest = self._entries.popitem(last=False)
                self.held -= len(oldest.content)


@dataclass(frozen=True)
class Thumbnails:
    images: Images
    cache: ThumbnailCache

    def resource(self, scope: Scope, wanted: Wanted, frame: str | None = None) -> Given:
        """The thumbnail of a study, series, instance or frame, always a single part.

        What has no picture of its own gets an icon with its modality.
        Raises NoSuchResource, InvalidFrameList, NoSuchFrame, NotAcceptable, and as `render` does.
        """
        media_type = choose(wanted.accepted, image_types(), ()).media_type
        database = self.images.retrieval.database
        found = targets(database, scope)
        target = representative_target(database, scope, found) or found[0]
        key = (target.located.archive_key, frame, wanted.rendering.viewport, media_type)
        made = self.cache.get(key)
        if made is None:
            made = self._made(target, scope, wanted, media_type, frame)
            self.cache.put(key, made)
        is_image = target.category is Category.IMAGE and scope.instance is not None
        return whole(made, [target.located] if is_image else [])

    def _made(
        self, target: Target, scope: Scope, wanted: Wanted, media_type: str, frame: str | None
    ) -> Rendered:
        rendering = wanted.rendering
        if target.category is Category.IMAGE:
            number = self._number(target, frame)
            return self.images.picture(target.located, number, rendering, media_type)
        if frame is not None:
            raise NoSuchFrame(0, 0)
        if target.category is Category.PRESENTATION_STATE:
            jobs = self.images.presented(target.located, scope, rendering, media_type)
            return next(jobs).work()
        size = rendering.viewport or Viewport(1, 1)
        picture = icon(target.modality, size.width, size.height)
        return Rendered(encoded(picture, media_type, None, None), media_type)

    def _number(self, target: Target, frame: str | None) -> int:
        if frame is None:
            return representative_frame(self.images.retrieval.pixels(target.located))
        if not (frame.isascii() and frame.isdigit() and len(frame) < 10):
            raise InvalidFrameList(frame)
        return int(frame)

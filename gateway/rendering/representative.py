"""Which frame and which instance stand for more: PS3.18 leaves the choice to the server."""

from collections.abc import Sequence

from gateway.rendering.attributes import number
from gateway.rendering.negotiation import offered
from gateway.rendering.targets import Category, Target
from gateway.retrieve.errors import NoPixelData
from gateway.retrieve.located import Scope, representative
from gateway.retrieve.pixels import StoredPixels
from gateway.store.database import Database
from standards.media_types import MediaType

_FIRST_TO_LAST = (
    Category.IMAGE,
    Category.PRESENTATION_STATE,
    Category.DOCUMENT,
    Category.ENCAPSULATED,
    Category.VIDEO,
)


def representative_frame(pixels: StoredPixels) -> int:
    """Representative Frame Number (0028,6010), or the middle one."""
    try:
        told = int(number(pixels.dataset, "RepresentativeFrameNumber") or 0)
    except (ValueError, TypeError):
        told = 0
    return told if 1 <= told <= pixels.number_of_frames else (pixels.number_of_frames + 1) // 2


def representative_target(
    database: Database, scope: Scope, found: Sequence[Target], media_type: MediaType | None = None
) -> Target | None:
    """The instance that stands for a study or series, or None.

    media_type: only of those that can be rendered so. An image comes before all others.
    """
    able = [target for target in found if media_type is None or _covers(media_type, target)]
    for category in _FIRST_TO_LAST:
        of_kind = [target for target in able if target.category is category]
        if category is Category.IMAGE and of_kind:
            return _middle_image(database, scope, of_kind)
        if of_kind:
            return of_kind[0]
    return None


def _middle_image(database: Database, scope: Scope, images: Sequence[Target]) -> Target:
    try:
        chosen = representative(database, scope).sop_instance_uid
    except NoPixelData:  # deleted in the meantime
        return images[0]
    return next((t for t in images if t.located.sop_instance_uid == chosen), images[0])


def _covers(media_type: MediaType, target: Target) -> bool:
    return any(media_type.covers(name.lower()) for name in offered(target))

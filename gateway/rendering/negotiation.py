"""Which rendered media type a client gets, and whether in parts: PS3.18 8.7.4, 8.7.8 and 10.4.4."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.rendering.documents import DOCUMENT_TYPES, usual_type
from gateway.rendering.encoding import image_types
from gateway.rendering.parameters import Rendering
from gateway.rendering.targets import Category, Target
from gateway.rendering.videos import VIDEO_TYPES
from gateway.web_errors import NotAcceptable
from standards.media_types import MediaType


@dataclass(frozen=True)
class Wanted:
    """What one request accepts, the most wanted first, and how it wants it."""

    accepted: Sequence[MediaType]
    rendering: Rendering


@dataclass(frozen=True)
class Choice:
    media_type: str
    in_parts: bool


def choose(accepted: Sequence[MediaType], single: Sequence[str], parts: Sequence[str]) -> Choice:
    """The form the client wants most of those offered.

    single: offered as the body itself, the default first.   parts: as parts of multipart/related.
    Raises NotAcceptable, which says what is offered.
    """
    for wanted in accepted:
        for name in parts if wanted.is_multipart else single:
            if wanted.covers(name.lower()):
                return Choice(name, wanted.is_multipart)
    listed = [f'multipart/related; type="{name}"' for name in parts]
    raise NotAcceptable("this rendered resource", ", ".join([*single, *listed]))


def part_type(accepted: Sequence[MediaType], target: Target) -> str | None:
    """What one of many instances becomes as a part; None where the client wants none of it."""
    in_parts = [media_type for media_type in accepted if media_type.is_multipart]
    possible = offered(target)
    try:
        return choose(in_parts, (), possible).media_type
    except NotAcceptable:
        return None


def offered(target: Target) -> tuple[str, ...]:
    """What one instance can be rendered as, the default first; none if it cannot."""
    if target.is_pictorial:
        return image_types()
    if target.category is Category.DOCUMENT:
        return DOCUMENT_TYPES
    if target.category is Category.VIDEO:
        return (VIDEO_TYPES[target.located.transfer_syntax_uid],)
    if target.category is Category.ENCAPSULATED:
        return usual_type(target.sop_class_uid)
    return ()

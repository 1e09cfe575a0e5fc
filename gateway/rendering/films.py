"""Multi-frame images as films: which frames, how fast, as an animated GIF."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydicom import Dataset

from gateway.rendering.attributes import number, numbers
from gateway.rendering.encoding import animated
from gateway.rendering.frame import Order, Rendered, film_range, show

MOST_FRAMES = 300
MOST_PIXELS = 50_000_000  # of all frames together
SHORTEST, LONGEST = 20, 10_000  # milliseconds; browsers slow down what is faster
_DEFAULT_MILLISECONDS = 100.0


@dataclass(frozen=True)
class Film:
    """frames: their numbers, in order.   milliseconds: how long each is seen."""

    frames: tuple[int, ...]
    milliseconds: int


def film_of(dataset: Dataset, frames: Sequence[int], pixels_a_frame: int, notes: list[str]) -> Film:
    """All frames, or every second, third ... when there are too many; the pace stays the same."""
    most = max(1, min(MOST_FRAMES, MOST_PIXELS // max(1, pixels_a_frame)))
    step = -(-len(frames) // most)
    if step > 1:
        notes.append(f"every {step}th frame of {len(frames)} is shown")
    pace = frame_milliseconds(dataset) * step
    return Film(tuple(frames[::step]), round(min(max(pace, SHORTEST), LONGEST) / 10) * 10)


def frame_milliseconds(dataset: Dataset) -> float:
    """How long a frame is to be seen: PS3.3 C.7.6.5, C.7.6.3 and C.8.12, best told first."""
    for keyword in ("RecommendedDisplayFrameRate", "CineRate"):
        rate = number(dataset, keyword)
        if rate is not None and rate > 0:
            return 1000 / rate
    time = number(dataset, "FrameTime")
    steps = [step for step in numbers(dataset, "FrameTimeVector") if step > 0]
    if time is None and steps:
        time = sum(steps) / len(steps)
    return time if time is not None and time > 0 else _DEFAULT_MILLISECONDS


def animate(order: Order, frames: Sequence[int], notes: list[str]) -> Rendered:
    """The frames as one GIF, all with the same range of brightness.

    order: of any of the frames.   Raises as gateway.rendering.frame.render does.
    """
    dataset = order.pixels.dataset
    order = replace(order, value_range=film_range(order.pixels, frames, order.rendering))
    first = show(replace(order, frame=frames[0]), notes).picture
    film = film_of(dataset, frames, first.width * first.height, notes)
    others = [show(replace(order, frame=frame), notes).picture for frame in film.frames[1:]]
    content = animated([first, *others], film.milliseconds)
    return Rendered(content, "image/gif", tuple(dict.fromkeys(notes)))

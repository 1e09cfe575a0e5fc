"""A picture with writing whose place is known, made from a seed."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from tools.burned_in_text import backgrounds
from tools.burned_in_text.marks import marked
from tools.burned_in_text.writing import EM_PIXELS, FONTS, written

SMALLEST_CONTRAST = 0.25


@dataclass(frozen=True, eq=False)
class Picture:
    """plane: float32 from 0 to 1, (rows, columns). ink: bool, where letters are drawn.

    boxes: (row, column, row after, column after) around each line of writing.
    """

    plane: np.ndarray
    ink: np.ndarray
    boxes: tuple[tuple[int, int, int, int], ...]


def picture(  # noqa: PLR0913 (what one picture consists of)
    rng: np.random.Generator,
    shape: tuple[int, int],
    lines: int,
    marks: int,
    *,
    fonts: tuple[str, ...] = FONTS,
    em_pixels: tuple[int, int] = EM_PIXELS,
    background: str = "",
) -> Picture:
    """background: a kind by its name, any kind when empty. Fewer lines where no room is left."""
    kinds = [kind for kind in backgrounds.KINDS if background in ("", kind.__name__)]
    plane = kinds[rng.integers(len(kinds))](rng, shape)
    if rng.random() < 0.3:
        plane = 1 - plane
    plane = marked(rng, plane, marks)
    ink, boxes = np.zeros(shape, bool), []
    for _ in range(lines):
        cover = written(rng, fonts, em_pixels)
        place = _free_place(rng, shape, cover.shape, boxes)
        if place is not None:
            boxes.append(place)
            where = np.s_[place[0] : place[2], place[1] : place[3]]
            plane[where] = _inked(rng, plane[where], cover)
            ink[where] |= cover > 0.5
    return Picture(_stored(rng, plane), ink, tuple(boxes))


def _free_place(
    rng: np.random.Generator,
    shape: tuple[int, int],
    size: tuple[int, ...],
    taken: list[tuple[int, int, int, int]],
) -> tuple[int, int, int, int] | None:
    """Under the last line as often as anywhere else, since writing comes in blocks."""
    if size[0] > shape[0] or size[1] > shape[1]:
        return None
    for _ in range(8):
        top = int(rng.integers(0, shape[0] - size[0] + 1))
        left = int(rng.integers(0, shape[1] - size[1] + 1))
        if taken and rng.random() < 0.6:
            last = taken[-1]
            top, left = last[2] + int(rng.integers(2, 10)), last[1]
        box = (top, left, top + size[0], left + size[1])
        fits = box[2] <= shape[0] and box[3] <= shape[1]
        if fits and not any(_overlap(box, other) for other in taken):
            return box
    return None


def _overlap(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _inked(rng: np.random.Generator, behind: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Writing that can be read: lighter or darker than what is behind it, now and then outlined."""
    middle, spread = float(behind.mean()), float(behind.std())
    needed = max(SMALLEST_CONTRAST, 2.5 * spread)
    lighter = middle + needed <= 1 and (rng.random() < 0.75 or middle - needed < 0)
    tone = rng.uniform(middle + needed, 1) if lighter else rng.uniform(0, max(middle - needed, 0))
    if rng.random() < 0.6:
        tone = 1.0 if lighter else 0.0
    if rng.random() < 0.15 or (not lighter and middle - needed < 0):
        edge = ndimage.grey_dilation(cover, 3)
        behind = behind + edge * ((0.0 if tone > 0.5 else 1.0) - behind)
    return behind + cover * (tone - behind)


def _stored(rng: np.random.Generator, plane: np.ndarray) -> np.ndarray:
    """As an image arrives: blurred or not, in 256 tones, compressed with loss or not."""
    if rng.random() < 0.15:
        plane = ndimage.gaussian_filter(plane, rng.uniform(0.3, 0.7))
    tones = np.rint(np.clip(plane, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.25:
        buffer = io.BytesIO()
        Image.fromarray(tones).save(buffer, "JPEG", quality=int(rng.integers(50, 95)))
        tones = np.asarray(Image.open(buffer))
    return tones.astype(np.float32) / 255

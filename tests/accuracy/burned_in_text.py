"""How much writing burned_in_text finds in pictures that it was not trained on, and what else."""

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ai_models.burned_in_text.boxes import text_boxes
from tests.accuracy.real_writing import LARGE_WITHOUT, LINES, WITHOUT, Place, first_image
from tests.shared_data import SHARED_DATA
from tools.burned_in_text.backgrounds import KINDS
from tools.burned_in_text.pictures import Picture, picture
from tools.burned_in_text.writing import HELD_OUT_FONTS

SHAPE = (768, 1024)
SEED = 20_000  # training begins at 1
LINES_EACH, MARKS_EACH = 8, 6
EM_PIXELS = (12, 60)
COVERED = 0.9  # of the ink of a line, for it to count as found
WORST = {"recall": 0.9, "false boxes": 1.0, "recall of real images": 0.85}  # what the tests ask for


class Score(NamedTuple):
    """Of one picture, or summed over several.

    lines: of writing; found: those of which nearly all ink lies in boxes; false_boxes: without
    any ink in them; seconds: of processor time.
    """

    pictures: int
    lines: int
    found: int
    false_boxes: int
    seconds: float

    @classmethod
    def of(cls, made: Picture, pixels: np.ndarray) -> "Score":
        started = time.process_time()
        boxes = text_boxes(pixels)
        seconds = time.process_time() - started
        inside = np.zeros(made.ink.shape, bool)
        for box in boxes:
            inside[box.top : box.bottom, box.left : box.right] = True
        found = sum(_covered(made.ink, inside, place) >= COVERED for place in made.boxes)
        empty = sum(not made.ink[b.top : b.bottom, b.left : b.right].any() for b in boxes)
        return cls(1, len(made.boxes), found, empty, seconds)


def summed(scores: Iterable[Score]) -> Score:
    return Score(*map(sum, zip(*scores, strict=True)))


def scores(kind: str, count: int) -> Iterator[Score]:
    """Half of the pictures gray, half in colour; a fourth of them without writing."""
    for n in range(count):
        rng = np.random.default_rng([SEED, [one.__name__ for one in KINDS].index(kind), n])
        made = picture(
            rng, SHAPE, LINES_EACH if n % 4 else 0, MARKS_EACH,
            fonts=HELD_OUT_FONTS, em_pixels=EM_PIXELS, background=kind,
        )  # fmt: skip
        yield Score.of(made, _coloured(made.plane, rng) if n % 2 else made.plane * 4095)


def report(count: int = 20) -> None:
    """Print the tables of the README: pictures that are made, and real images where they are."""
    _head("background")
    made = {kind.__name__: summed(scores(kind.__name__, count)) for kind in KINDS}
    for name, score in {**made, "all": summed(made.values())}.items():
        _row(name, score)
    if SHARED_DATA.is_dir():
        _head("real image")
        for name, lines in {**LINES, **dict.fromkeys((*WITHOUT, *LARGE_WITHOUT), ())}.items():
            _row(name, real_score(SHARED_DATA / name, lines))


def _head(first: str) -> None:
    print(f"\n| {first} | pictures | lines | found | false boxes a picture | processor s |")
    print("|---|---|---|---|---|---|")


def _row(name: str, score: Score) -> None:
    found = f"{score.found / score.lines:.1%}" if score.lines else ""
    false, seconds = score.false_boxes / score.pictures, score.seconds / score.pictures
    print(f"| {name} | {score.pictures} | {score.lines} | {found} | {false:.2f} | {seconds:.2f} |")


def real_score(path: Path, lines: Sequence[Place]) -> Score:
    """Of one real image: a line is found when its whole place lies in boxes."""
    pixels = first_image(path)
    ink = np.zeros(pixels.shape[:2], bool)
    for top, left, bottom, right in lines:
        ink[top:bottom, left:right] = True
    return Score.of(Picture(ink.astype(np.float32), ink, tuple(lines)), pixels)


def _covered(ink: np.ndarray, inside: np.ndarray, place: tuple[int, int, int, int]) -> float:
    where = np.s_[place[0] : place[2], place[1] : place[3]]
    return float(inside[where][ink[where]].mean())


def _coloured(plane: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As a colour image that is tinted, as many ultrasound images are."""
    tint = rng.uniform(0.6, 1, 3)
    return np.rint(plane[..., None] * tint * 255).astype(np.uint8)

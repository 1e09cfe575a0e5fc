"""Boxes around the writing in an image, for whoever must show it, report it or black it out."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from ai_models.burned_in_text.gray import gray, relief
from ai_models.burned_in_text.network import CELL, likelihood
from ai_models.ct.shapes import parts_of

REDUCTIONS = (1, 2, 4)  # the network reads letters of 6 to 25 pixels; larger ones when reduced
SMALLEST_SIDE = 128  # pixels of a reduced image that is still looked at
LIKELY = 0.5
SURE = 0.9  # somewhere in a line of writing
GAP_CELLS = 2  # between words of one line
SMALLEST_CELLS = 4
MARGIN = 2  # pixels around what was found


class Box(NamedTuple):
    """Rows from `top` up to but not including `bottom`, columns from `left` up to `right`."""

    top: int
    left: int
    bottom: int
    right: int


def text_boxes(pixels: np.ndarray) -> list[Box]:
    """Where writing is, from top to bottom; lines that lie close together may share a box.

    pixels: one image, (rows, columns) or (rows, columns, 3) in RGB, any number type. Needs no
    network connection and no torch; the same pixels give the same boxes.
    """
    likely = _likely(gray(pixels))
    across = np.ones((1, 2 * GAP_CELLS + 1), bool)
    joined = ndimage.binary_dilation(likely > LIKELY, across)
    labels, count = parts_of(joined, np.ones((3, 3), bool))
    labels[likely <= LIKELY] = 0
    boxes = []
    for n, where in enumerate(ndimage.find_objects(labels, count), start=1):
        inside = likely[where][labels[where] == n]
        if inside.size >= SMALLEST_CELLS and inside.max() >= SURE:
            boxes.append(_around(where, pixels.shape))
    return sorted(boxes)


def _likely(plane: np.ndarray) -> np.ndarray:
    """How likely each cell of the image holds writing, at whichever size its letters are."""
    rows, columns = (-(-size // CELL) for size in plane.shape)
    best = np.zeros((rows, columns), np.float32)
    for factor in REDUCTIONS:
        if factor > 1 and min(plane.shape) < factor * SMALLEST_SIDE:
            break
        found = likelihood(relief(_reduced(plane, factor)))
        enlarged = np.repeat(np.repeat(found, factor, 0), factor, 1)[:rows, :columns]
        np.maximum(best, enlarged, out=best)
    return best


def _reduced(plane: np.ndarray, factor: int) -> np.ndarray:
    """Means of blocks of factor x factor pixels; blocks at the far edges repeat the last pixels."""
    rows, columns = plane.shape
    padded = np.pad(plane, ((0, -rows % factor), (0, -columns % factor)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor)
    return blocks.mean(axis=(1, 3))


def _around(cells: tuple[slice, ...], shape: tuple[int, ...]) -> Box:
    down, across = cells
    return Box(
        max(0, down.start * CELL - MARGIN),
        max(0, across.start * CELL - MARGIN),
        min(shape[0], down.stop * CELL + MARGIN),
        min(shape[1], across.stop * CELL + MARGIN),
    )

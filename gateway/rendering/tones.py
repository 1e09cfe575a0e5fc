"""Functions of single values applied to whole frames: once for each value a pixel can have."""

from collections.abc import Callable, Iterator

import numpy as np

Curve = Callable[[np.ndarray], np.ndarray]  # float64 (n,) -> float64 (n,)

_BLOCK = 1 << 20  # pixels worked on at once, so that memory stays small beside the frame itself


def mapped(frame: np.ndarray, colour_of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The frame with each value replaced.

    frame:  (rows, columns), integers or floats.
    colour_of:  float64 (n,) -> uint8 (n,) or (n, 3).
    """
    if _is_short(frame):
        table = colour_of(_all_values(frame.dtype))
        shown = np.empty(frame.shape + table.shape[1:], np.uint8)
        for rows in _blocks(frame):
            shown[rows] = table[_pattern(frame[rows])]
        return shown
    pieces = [colour_of(frame[rows].ravel().astype(np.float64)) for rows in _blocks(frame)]
    whole = np.concatenate(pieces)
    return whole.reshape(frame.shape + whole.shape[1:])


def held_values(frame: np.ndarray, padding: tuple[float, float] | None) -> np.ndarray:
    """Values that occur in the frame, float64 and in order: all of them where they are of 16 bits
    or less, else the lowest and the highest. Empty when only padding and no number is there.

    padding:  the lowest and the highest value that stand for "no pixel here".
    """
    if _is_short(frame):
        seen = np.zeros(1 << (8 * frame.dtype.itemsize), bool)
        for rows in _blocks(frame):
            seen[_pattern(frame[rows])] = True
        values = np.sort(_all_values(frame.dtype)[seen])
        return values[~_is_padding(values, padding)]
    bounds: list[float] = []
    for rows in _blocks(frame):
        values = frame[rows].ravel()
        values = values[np.isfinite(values) & ~_is_padding(values, padding)]
        if values.size:
            bounds += [float(values.min()), float(values.max())]
    return np.array([min(bounds), max(bounds)] if bounds else [], np.float64)


def eight_bits(shares: np.ndarray) -> np.ndarray:
    """Shares of full brightness as uint8; what is no number is black."""
    return np.rint(np.clip(np.nan_to_num(shares), 0, 1) * 255).astype(np.uint8)


def _is_short(frame: np.ndarray) -> bool:
    return frame.dtype.kind in "iu" and frame.dtype.itemsize <= 2


def _all_values(dtype: np.dtype) -> np.ndarray:
    """Every value of an integer type, in the order of its bit patterns."""
    bits = 8 * dtype.itemsize
    return np.arange(1 << bits, dtype=f"u{dtype.itemsize}").view(dtype).astype(np.float64)


def _pattern(values: np.ndarray) -> np.ndarray:
    return values.view(f"u{values.dtype.itemsize}")


def _is_padding(values: np.ndarray, padding: tuple[float, float] | None) -> np.ndarray:
    if padding is None:
        return np.zeros(values.shape, bool)
    return (values >= padding[0]) & (values <= padding[1])


def _blocks(frame: np.ndarray) -> Iterator[slice]:
    rows = max(1, _BLOCK // max(1, frame.shape[1]))
    for start in range(0, len(frame), rows):
        yield slice(start, start + rows)

"""A small convolutional network, carried out with NumPy: how likely each place holds writing."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).with_name("weights.npz")
CELL = 4  # pixels of the image, along each axis, that one value of the answer speaks of


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution and, but for the last one, max(0, x). Image and answer are padded with 0.

    kernel: taps along each axis; stride: both axes; dilation: (rows, columns) between taps.
    """

    channels_in: int
    channels_out: int
    kernel: int
    stride: int = 1
    dilation: tuple[int, int] = (1, 1)

    @property
    def padding(self) -> tuple[int, int]:
        reach = self.kernel // 2
        return reach * self.dilation[0], reach * self.dilation[1]


# Wider along the rows: writing is a row of letters.
LAYERS = (
    Layer(1, 12, 5, stride=2),
    Layer(12, 24, 3, stride=2),
    Layer(24, 24, 3),
    Layer(24, 24, 3, dilation=(1, 2)),
    Layer(24, 24, 3, dilation=(2, 4)),
    Layer(24, 24, 3, dilation=(2, 8)),
    Layer(24, 1, 1),
)


def likelihood(relief: np.ndarray) -> np.ndarray:
    """From 0 to 1 for each cell of CELL x CELL pixels: float32, (rows / CELL, columns / CELL), up.

    relief: float32, (rows, columns), as ai_models.burned_in_text.gray makes it.
    """
    values = relief[None]
    for layer, (weight, bias) in zip(LAYERS, _parameters(), strict=True):
        values = _convolved(values, layer, weight) + bias[:, None, None]
        if layer is not LAYERS[-1]:
            np.maximum(values, 0, out=values)
    return 1 / (1 + np.exp(-values[0]))


def _convolved(values: np.ndarray, layer: Layer, weight: np.ndarray) -> np.ndarray:
    """values: (channels, rows, columns); weight: (out, in, kernel, kernel). Tap after tap, which
    needs no copies as large as kernel x kernel images."""
    (down, across), step = layer.padding, layer.stride
    rows, columns = (-(-size // step) for size in values.shape[1:])
    padded = np.pad(values, ((0, 0), (down, down + step), (across, across + step)))
    total = np.zeros((layer.channels_out, rows * columns), np.float32)
    for j, i in np.ndindex(layer.kernel, layer.kernel):
        top, left = j * layer.dilation[0], i * layer.dilation[1]
        tap = padded[:, top : top + rows * step : step, left : left + columns * step : step]
        total += weight[:, :, j, i] @ tap.reshape(layer.channels_in, -1)
    return total.reshape(-1, rows, columns)


@cache
def _parameters() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    with np.load(WEIGHTS) as stored:
        return tuple((stored[f"weight{n}"], stored[f"bias{n}"]) for n in range(len(LAYERS)))

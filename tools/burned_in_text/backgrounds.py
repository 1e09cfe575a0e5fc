"""What lies behind writing: planes from 0 (black) to 1 (white) that look like kinds of images."""

import numpy as np
from scipy import ndimage

Shape = tuple[int, int]


def plain(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """One tone, as of a secondary capture, with a little noise or none."""
    noise = rng.choice([0.0, 0.01, 0.03])
    return np.clip(rng.choice([0.0, 0.02, 0.5, 0.95, 1.0]) + rng.normal(0, noise, shape), 0, 1)


def ultrasound(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Speckle in a sector or a rectangle on black."""
    grain = rng.uniform(0.6, 2.5), rng.uniform(1.2, 5)
    speckle = np.hypot(*(ndimage.gaussian_filter(rng.normal(size=shape), grain) for _ in range(2)))
    tissue = speckle / np.percentile(speckle, 99) * (0.15 + _clouds(rng, shape, 2.0))
    tissue *= rng.uniform(0.4, 1.2)
    rows, columns = np.indices(shape)
    if rng.random() < 0.5:
        apex = rng.uniform(0.2, 0.8) * shape[1]
        angle = np.arctan2(columns - apex, rows + rng.uniform(2, 40))
        inside = np.abs(angle) < rng.uniform(0.4, 0.9)
        inside &= np.hypot(columns - apex, rows) < rng.uniform(0.6, 1.3) * shape[0]
    else:
        top, left = rng.uniform(0, 0.4, 2)
        inside = (rows > top * shape[0]) & (columns > left * shape[1])
    return np.clip(np.where(inside, tissue, 0), 0, 1)


def radiograph(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Soft clouds, ribs and bone edges, trabeculae, collimator borders, quantum noise."""
    plane = 0.3 + 0.5 * _clouds(rng, shape, rng.uniform(2.2, 3.2))
    rows, columns = np.indices(shape)
    for _ in range(int(rng.integers(0, 9))):
        plane += _bone(rng, rows, columns)
    plane += rng.uniform(0, 0.25) * (_clouds(rng, shape, rng.uniform(0.8, 1.6)) - 0.5)
    if rng.random() < 0.4:
        edge = columns * np.cos(t := rng.uniform(0, np.pi)) + rows * np.sin(t)
        beyond = edge > np.percentile(edge, rng.uniform(50, 95))
        plane = np.where(
            ndimage.gaussian_filter(beyond.astype(float), 1.5) > 0.5, rng.choice([0.0, 1.0]), plane
        )
    return np.clip(plane + rng.normal(0, rng.uniform(0, 0.04), shape), 0, 1)


def section(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """A slice through a body: ellipses in ellipses on black, with noise."""
    rows, columns = np.indices(shape)
    plane = np.zeros(shape)
    for scale in (0.5, 0.42, *rng.uniform(0.03, 0.25, 8)):
        middle = np.array(shape) * (0.5 + rng.uniform(-0.5, 0.5, 2) * (0.55 - scale))
        radii = scale * np.array(shape) * rng.uniform(0.6, 1.1, 2)
        inside = ((rows - middle[0]) / radii[0]) ** 2 + ((columns - middle[1]) / radii[1]) ** 2 < 1
        plane[inside] = rng.uniform(0, 1)
    plane = ndimage.gaussian_filter(plane, rng.uniform(0.5, 1.5))
    return np.clip(plane + rng.normal(0, rng.uniform(0.005, 0.08), shape), 0, 1)


def glitter(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Hard-edged spots, as of flow in colour Doppler, of calcifications or of coarse noise."""
    grain = rng.uniform(0.7, 3, 2) * (1, rng.uniform(1, 3))
    spots = ndimage.gaussian_filter(rng.normal(size=shape), grain)
    bright = np.where(spots > np.percentile(spots, rng.uniform(50, 97)), rng.uniform(0.5, 1), 0.1)
    return np.clip(bright * (0.3 + 0.7 * _clouds(rng, shape, 2.0)), 0, 1)


KINDS = (plain, ultrasound, radiograph, section, glitter)


def _clouds(rng: np.random.Generator, shape: Shape, power: float) -> np.ndarray:
    """Noise whose spectrum falls with a power of the frequency, stretched to 0 … 1."""
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None])
    frequency[0, 0] = 1
    noise = np.fft.rfft2(rng.normal(size=shape)) / frequency**power
    noise[0, 0] = 0
    plane = np.fft.irfft2(noise, shape)
    low, high = np.percentile(plane, (1, 99))
    return np.clip((plane - low) / (high - low), 0, 1)


def _bone(rng: np.random.Generator, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A band along a large circle, with brighter edges."""
    size = max(rows.shape)
    middle, radius = rng.uniform(-0.5, 1.5, 2) * size, rng.uniform(0.2, 1.2) * size
    across = (np.hypot(rows - middle[0], columns - middle[1]) - radius) / rng.uniform(4, 25)
    band = np.exp(-(across**4)) + rng.uniform(0, 1) * np.exp(-((np.abs(across) - 1) ** 2) * 12)
    return rng.uniform(0.03, 0.25) * band

"""What is drawn on images and is no writing: rulers, curves, crosses, wedges, boxes, clips."""

import numpy as np
from PIL import Image, ImageDraw

Canvas = ImageDraw.ImageDraw


def marked(rng: np.random.Generator, plane: np.ndarray, count: int) -> np.ndarray:
    """The plane with some marks drawn over it."""
    rows, columns = plane.shape
    for _ in range(count):
        layer = Image.new("L", (columns, rows))
        KINDS[rng.integers(len(KINDS))](rng, ImageDraw.Draw(layer), columns, rows)
        cover = np.asarray(layer, np.float32) / 255
        plane = plane + cover * (rng.choice([0.0, 0.4, 0.7, 1.0]) - plane)
    return plane


def _ruler(rng: np.random.Generator, draw: Canvas, width: int, height: int) -> None:
    """Ticks at equal distances, long ones between short ones, upright or lying, or dots."""
    step, length, stroke = (
        int(rng.integers(5, 40)),
        int(rng.integers(2, 10)),
        int(rng.integers(1, 3)),
    )
    x, y, lying = int(rng.integers(width)), int(rng.integers(height)), rng.random() < 0.5
    for n in range(int(rng.integers(3, 40))):
        long = length * (2 if n % 5 == 0 else 1)
        if lying:
            draw.line((x + n * step, y, x + n * step, y + long), 255, stroke)
        else:
            draw.line((x, y + n * step, x + long, y + n * step), 255, stroke)


def _curve(rng: np.random.Generator, draw: Canvas, width: int, height: int) -> None:
    """A trace with peaks, as of an electrocardiogram, or a wire."""
    x = np.arange(0, width, 2)
    beat, base, peak = rng.uniform(30, 120), rng.uniform(0, height), rng.uniform(5, 60)
    phase = (x % beat) / beat
    y = base - peak * np.exp(-(((phase - 0.3) / 0.04) ** 2)) + rng.normal(0, 0.6, x.size)
    y += rng.uniform(0, 60) * np.sin(x / rng.uniform(30, 200) + rng.uniform(0, 6))
    draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), 255, int(rng.integers(1, 4)))


def _crosses(rng: np.random.Generator, draw: Canvas, width: int, height: int) -> None:
    """Two callipers and the dotted line between them."""
    (x0, x1), (y0, y1) = rng.uniform(0, width, 2), rng.uniform(0, height, 2)
    arm = rng.uniform(3, 8)
    for x, y in ((x0, y0), (x1, y1)):
        draw.line((x - arm, y, x + arm, y), 255)
        draw.line((x, y - arm, x, y + arm), 255)
    for share in np.arange(0, 1, rng.uniform(0.02, 0.08)):
        draw.point((x0 + share * (x1 - x0), y0 + share * (y1 - y0)), 255)


def _wedge(rng: np.random.Generator, draw: Canvas, width: int, height: int) -> None:
    """A scale of gray tones."""
    x, y = int(rng.integers(width)), int(rng.integers(height))
    across, along = int(rng.integers(6, 30)), int(rng.integers(40, 200))
    for n in range(along):
        draw.line((x, y + n, x + across, y + n), int(255 * (1 - n / along)))


def _box(rng: np.random.Generator, draw: Canvas, width: int, height: int) -> None:
    x, y = rng.uniform(-0.2, 0.9) * width, rng.uniform(-0.2, 0.9) * height
    far = x + rng.uniform(5, 0.7 * width), y + rng.uniform(5, 0.7 * height)
    fill = 255 if rng.random() < 0.3 else None
    shape = draw.rectangle if rng.random() < 0.6 else draw.ellipse
    shape((x, y, *far), fill, 255, int(rng.integers(1, 4)))


def _line(rng: np.random.Generator, draw: Canvas, width: int, height: int) -> None:
    (x0, x1), (y0, y1) = rng.uniform(-20, width + 20, 2), rng.uniform(-20, height + 20, 2)
    if rng.random() < 0.5:
        y1 = y0
    draw.line((x0, y0, x1, y1), 255, int(rng.integers(1, 5)))


def _clips(rng: np.random.Generator, draw: Canvas, width: int, height: int) -> None:
    """Short strokes, triangles and dots: metal clips, arrow heads, marks of depth."""
    for _ in range(int(rng.integers(1, 8))):
        x, y, size = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(2, 12)
        turn = rng.uniform(0, 6.3, 3)
        points = [(x + size * np.cos(t), y + size * np.sin(t)) for t in turn]
        if rng.random() < 0.5:
            draw.polygon(points, 255)
        else:
            draw.line(points[:2], 255, int(rng.integers(1, 4)))


KINDS = (_ruler, _curve, _crosses, _wedge, _box, _line, _clips)

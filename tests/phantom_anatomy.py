"""A chest drawn from simple shapes: Hounsfield units and labels on a grid of points in the patient.

All lengths are mm in patient axes (LPS): x to the left, y to the back, z to the head. A test
object, not an anatomical model: it holds what a lung measurement can go wrong on (airways with
walls, vessels, a heart, gas below the diaphragm, a table, lungs that touch).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

RIGHT_LUNG, LEFT_LUNG, AIRWAY, LIVER_LABEL = 1, 2, 3, 4
SIDES = {"right": (-1, RIGHT_LUNG), "left": (1, LEFT_LUNG)}

AIR, LUNG, EMPHYSEMA, FAT, MUSCLE, BLOOD, LIVER, BONE, TABLE, NODULE, CYST = (
    -1000, -855, -985, -100, 50, 42, 60, 400, -200, 40, 5,
)  # fmt: skip
JUNCTION = -620  # pleura thinner than a voxel
CONTRAST = 320
APEX_Z, CARINA_Z = 112.0, 35.0
HILUM = (40.0, 12.0, 8.0)
DOME_TOP = {-1: -72.0, 1: -84.0}
DIAPHRAGM = 4.0
OUTLINE = 2.4  # exponent of the blunt ellipsoid of a lung
MIDDLE_OF_LUNG = (70.0, 2.0, -25.0)  # x by side
REACH_OF_LUNG = {-1: (66.0, 90.0, APEX_Z + 25), 1: (62.0, 90.0, APEX_Z + 25)}
# Where nodules touch the chest wall, in turn: side, angle from the side to the back in degrees, z
ON_THE_WALL = ((-1, 0.0, 20.0), (1, 50.0, -5.0), (1, -15.0, 45.0), (-1, 115.0, -30.0))


@dataclass(frozen=True)
class Anatomy:
    """What the drawn patient has.

    emphysema: share of each lung that pockets fill, about. wall_nodules: diameters in mm of balls
    in the lung that touch the chest wall, four at most. cysts: whether the liver has some.
    """

    seed: int = 1
    region: str = "chest"  # or "abdomen", "head"
    lungs: tuple[str, ...] = ("right", "left")
    lungs_touch: bool = False
    emphysema: tuple[float, float] = (0.05, 0.09)
    lung_hu: float = LUNG
    contrast: bool = False
    wall_nodules: tuple[float, ...] = ()
    liver_hu: float = LIVER
    cysts: bool = False


@dataclass(frozen=True, eq=False)
class Grid:
    """Points z, y, x as open arrays, (slices, 1, 1), (rows, 1) and (columns,)."""

    z: np.ndarray
    y: np.ndarray
    x: np.ndarray

    @classmethod
    def regular(cls, shape: tuple[int, int, int], steps: tuple[float, ...], z_middle: float):
        """A grid centred on x = y = 0 and z_middle."""
        axes = [
            ((np.arange(n) - (n - 1) / 2) * step).astype(np.float32)
            for n, step in zip(shape, steps, strict=True)
        ]
        return cls(axes[0][:, None, None] + np.float32(z_middle), axes[1][:, None], axes[2])

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.z.shape[0], self.y.shape[0], self.x.shape[0]

    def box(self, low: np.ndarray, high: np.ndarray) -> tuple[tuple[slice, ...], "Grid"]:
        """The part of the grid between two points (x, y, z), and where it lies."""
        where = []
        for axis, i in ((self.z, 2), (self.y, 1), (self.x, 0)):
            start, stop = np.searchsorted(axis.ravel(), (low[i], high[i]))
            where.append(slice(int(start), int(stop)))
        z, y, x = where
        return (z, y, x), Grid(self.z[z], self.y[y], self.x[x])


def draw(anatomy: Anatomy, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Hounsfield units (float32, sharp and without noise) and labels (uint8) on the grid."""
    hu = np.full(grid.shape, AIR, np.float32)
    labels = np.zeros(grid.shape, np.uint8)
    if anatomy.region == "head":
        _draw_head(hu, grid)
    else:
        _draw_trunk(hu, labels, grid, anatomy)
    if anatomy.region == "chest":
        _draw_chest(hu, labels, grid, anatomy)
    return hu, labels


def _draw_head(hu: np.ndarray, g: Grid) -> None:
    _ellipsoid(hu, g, (0, 0, 0), (78, 98, 105), MUSCLE)
    _ellipsoid(hu, g, (0, 0, 0), (72, 92, 99), 800)
    _ellipsoid(hu, g, (0, 0, 0), (66, 86, 93), 35)
    for side in (-1, 1):
        _ellipsoid(hu, g, (side * 28, -60, -50), (14, 14, 18), AIR)  # maxillary sinus


def _draw_trunk(hu: np.ndarray, labels: np.ndarray, g: Grid, anatomy: Anatomy) -> None:
    """Skin to spine, without lungs: what an abdomen shows."""
    skin = np.abs(g.x / 172) ** 2.5 + np.abs(g.y / 116) ** 2.5
    inside = np.broadcast_to(skin < 1, hu.shape)
    hu[inside] = FAT
    deep = np.abs(g.x / 156) ** 2.5 + np.abs(g.y / 101) ** 2.5
    hu[np.broadcast_to(deep < 1, hu.shape)] = MUSCLE
    _draw_abdomen(hu, labels, g, anatomy)
    _tube(hu, g, ((0, 78, g.z.min()), (0, 78, g.z.max())), 17, 180)
    _tube(hu, g, ((20, 52, g.z.min()), (20, 52, g.z.max())), 12, BLOOD)
    rib = (np.abs(g.x / 147) ** 2.3 + np.abs(g.y / 98) ** 2.3) ** (1 / 2.3)
    turn = np.mod(g.z + 0.35 * g.y + 0.1 * np.abs(g.x), 26.0)
    hu[(rib > 0.965) & (rib < 1.02) & (turn < 10) & (g.z > -110)] = BONE
    _ellipsoid(hu, g, (75, -20, -132), (26, 30, 22), AIR)  # gas in the stomach
    for n, x in enumerate((-60, -15, 30, 70)):
        _ellipsoid(hu, g, (x, -55, -250 - 25 * (n % 2)), (22, 18, 20), AIR)  # gas in the bowel
    table = (np.abs(g.y - 124) < 6) & (np.abs(g.x) < 170)
    hu[np.broadcast_to(table, hu.shape)] = TABLE


def _draw_abdomen(hu: np.ndarray, labels: np.ndarray, g: Grid, anatomy: Anatomy) -> None:
    """Fat below the diaphragm, and the liver under its right dome, with veins and cysts."""
    wall = np.abs(g.x / 144) ** 2.5 + np.abs(g.y / 89) ** 2.5
    for sign in (-1, 1):
        below = (wall < 1) & (g.x * sign >= 0) & (g.z < _dome(g, sign) - DIAPHRAGM)
        hu[below] = FAT
    lobe = (wall < 0.97) & (g.x < 14) & (g.z < _dome(g, -1) - DIAPHRAGM) & (g.z > -240)
    liver = lobe & (np.abs(g.y + 10) < 66)
    hu[liver], labels[liver] = anatomy.liver_hu, LIVER_LABEL
    for turn in (-40, 0, 40):
        _tube(hu, g, ((0, 10, -100), (-90, turn, -150)), 4, BLOOD, only=liver)
    if anatomy.cysts:
        for x, y, z, radius in ((-70, -20, -110, 12), (-95, 20, -125, 17), (-45, -40, -128, 9)):
            _ellipsoid(hu, g, (x, y, z), (radius, radius, radius), CYST)


def _draw_chest(hu: np.ndarray, labels: np.ndarray, g: Grid, anatomy: Anatomy) -> None:
    rng = np.random.default_rng(anatomy.seed)
    blood = CONTRAST if anatomy.contrast else BLOOD
    _tube(hu, g, ((0, -96, -60), (0, -96, 90)), 8, 200)  # sternum
    for side in anatomy.lungs:
        sign, label = SIDES[side]
        lung = _lung(g, sign, anatomy.lungs_touch)
        hu[lung], labels[lung] = anatomy.lung_hu, label
    if anatomy.lungs_touch:
        hu[(np.abs(g.x - _junction(g)) < 1.2) & (labels > 0) & (labels < AIRWAY)] = JUNCTION
    for target, value in ((hu, blood), (labels, 0)):
        _ellipsoid(target, g, (22, -32, -48), (54, 42, 50), value)
    _tube(hu, g, ((20, 52, -200), (20, 52, 45)), 12, blood)
    _tube(hu, g, ((20, 52, 45), (-6, -10, 55)), 13, blood)
    for side, share in zip(SIDES, anatomy.emphysema, strict=True):
        if side in anatomy.lungs:
            _pockets(hu, labels == SIDES[side][1], g, share, rng)
    _vessels(hu, labels, g, anatomy, rng)
    _airways(hu, labels, g)
    hu[nodules(anatomy, g) & (labels > 0) & (labels < AIRWAY)] = NODULE


def nodules(anatomy: Anatomy, g: Grid) -> np.ndarray:
    """All nodules as a mask: balls of which a tenth of the diameter lies in the chest wall."""
    mask = np.zeros(g.shape, bool)
    for diameter, (sign, degrees, z) in zip(anatomy.wall_nodules, ON_THE_WALL, strict=False):
        away = sign * np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        rx, ry, rz = REACH_OF_LUNG[sign]
        x, y, middle = sign * MIDDLE_OF_LUNG[0], MIDDLE_OF_LUNG[1], MIDDLE_OF_LUNG[2]
        level = 1 - abs((z - middle) / rz) ** OUTLINE
        shape = abs(away[0] / rx) ** OUTLINE + abs(away[1] / ry) ** OUTLINE
        depth = (level / shape) ** (1 / OUTLINE) - 0.4 * diameter
        centre = np.array([x + away[0] * depth, y + away[1] * depth, z])
        mask |= _distance_to(g, centre) < diameter / 2
    return mask


def _lung(g: Grid, sign: int, touch: bool) -> np.ndarray:
    """One lung: a blunt ellipsoid, cut by diaphragm, mediastinum and heart."""
    (x, y, z), (rx, ry, rz) = MIDDLE_OF_LUNG, REACH_OF_LUNG[sign]
    outer = (
        np.abs((g.x - sign * x) / rx) ** OUTLINE
        + np.abs((g.y - y) / ry) ** OUTLINE
        + np.abs((g.z - z) / rz) ** OUTLINE
    )
    medial = 22 + 8 * np.exp(-((g.z - 20) ** 2) / 900)
    lung = (outer < 1) & (g.z > _dome(g, sign)) & (np.abs(g.x) > medial)
    if touch:
        lung |= _tongue(g, sign)
    heart = ((g.x - 22) / 57) ** 2 + ((g.y + 32) / 45) ** 2 + ((g.z + 48) / 53) ** 2
    return lung & (heart > 1)


def _dome(g: Grid, sign: int) -> np.ndarray:
    """Height of one half of the diaphragm over the points of a plane."""
    return DOME_TOP[sign] - 62 * (((g.x - sign * 68) / 80) ** 2 + ((g.y - 5) / 80) ** 2)


def _tongue(g: Grid, sign: int) -> np.ndarray:
    """Lung that reaches across to the other one before the heart, at the anterior junction."""
    beyond = (g.x - _junction(g)) * sign
    return (beyond > 0) & (np.abs(g.x) < 60) & (np.abs(g.y + 64) < 9) & (np.abs(g.z - 32) < 28)


def _junction(g: Grid) -> np.ndarray:
    """Where the pleurae meet: it leans, so that no straight cut in the middle finds it."""
    return 4 + 0.08 * g.z + 0.1 * (g.y + 65)


def _pockets(
    hu: np.ndarray, lung: np.ndarray, g: Grid, share: float, rng: np.random.Generator
) -> None:
    """Balls of destroyed lung until they fill the wanted share of it."""
    aim, filled = share * lung.sum(), 0
    corners = np.argwhere(lung)
    while filled < aim:
        k, j, i = corners[rng.integers(len(corners))]
        radius = rng.uniform(5, 11)
        centre = np.array([g.x[i], g.y[j, 0], g.z[k, 0, 0]])
        where, near = g.box(centre - radius, centre + radius)
        ball = _distance_to(near, centre) < radius
        new = ball & lung[where] & (hu[where] > EMPHYSEMA)
        hu[where][new] = EMPHYSEMA
        filled += int(new.sum())


def _vessels(
    hu: np.ndarray,
    labels: np.ndarray,
    g: Grid,
    anatomy: Anatomy,
    rng: np.random.Generator,
) -> None:
    """Branches from each hilum that thin out; inside the lung they stay lung by label."""
    blood = CONTRAST if anatomy.contrast else BLOOD
    for side in anatomy.lungs:
        sign, label = SIDES[side]
        for start, end, radius in _branches(sign, rng):
            _tube(hu, g, (start, end), radius, blood, only=labels == label)


def _branches(sign: int, rng: np.random.Generator) -> Iterator[tuple]:
    hilum = np.array([sign * HILUM[0], HILUM[1] + 6, HILUM[2]])
    for _ in range(14):
        way = np.array([sign * rng.uniform(0.1, 1), rng.uniform(-1, 1), rng.uniform(-1.1, 1.1)])
        way /= np.linalg.norm(way)
        middle = hilum + way * 38
        yield hilum, middle, rng.uniform(3.5, 5.5)
        for _ in range(2):
            twig = way + rng.normal(0, 0.5, 3)
            yield middle, middle + twig / np.linalg.norm(twig) * 30, rng.uniform(1.5, 2.5)


def _airways(hu: np.ndarray, labels: np.ndarray, g: Grid) -> None:
    """Trachea and main bronchi with their walls, and lobar bronchi that belong to the lung."""
    carina = (0, 14, CARINA_Z)
    main = [((0, 6, 220), carina, 9.0)]
    main += [(carina, (sign * HILUM[0], HILUM[1], HILUM[2]), 6.5) for sign in (-1, 1)]
    lobar = [
        ((sign * HILUM[0], HILUM[1], HILUM[2]), (sign * 72, 16 + turn, HILUM[2] + 1.4 * turn), 3.0)
        for sign in (-1, 1)
        for turn in (-28, 22)
    ]
    for start, end, radius in main:
        _tube(hu, g, (start, end), radius + 2, MUSCLE)
        _tube(labels, g, (start, end), radius + 2, 0)
    for start, end, radius in lobar:
        _tube(hu, g, (start, end), radius + 1.5, MUSCLE)
    for start, end, radius in main + lobar:
        _tube(hu, g, (start, end), radius, AIR)
    for start, end, radius in main:
        _tube(labels, g, (start, end), radius, AIRWAY)


def _ellipsoid(hu: np.ndarray, g: Grid, centre: tuple, radii: tuple, value: float) -> None:
    middle, reach = np.array(centre, float), np.array(radii, float)
    where, near = g.box(middle - reach, middle + reach)
    ball = sum(
        ((axis - m) / r) ** 2
        for axis, m, r in zip((near.x, near.y, near.z), middle, reach, strict=True)
    )
    hu[where][np.less(ball, 1)] = value


def _tube(
    target: np.ndarray,
    g: Grid,
    line: tuple[Sequence[float], Sequence[float]],
    radius: float,
    value: float,
    *,
    only: np.ndarray | None = None,
) -> None:
    """Paint the points within radius of the line between two points, (x, y, z) each."""
    a, b = np.array(line, float)
    where, near = g.box(np.minimum(a, b) - radius, np.maximum(a, b) + radius)
    along = b - a
    share = (near.x - a[0]) * along[0] + (near.y - a[1]) * along[1] + (near.z - a[2]) * along[2]
    share = np.clip(share / (along @ along), 0, 1)
    square = sum(
        (axis - a[n] - share * along[n]) ** 2 for n, axis in enumerate((near.x, near.y, near.z))
    )
    inside = np.less(square, radius**2)
    target[where][inside if only is None else inside & only[where]] = value


def _distance_to(g: Grid, centre: np.ndarray) -> np.ndarray:
    return np.sqrt((g.x - centre[0]) ** 2 + (g.y - centre[1]) ** 2 + (g.z - centre[2]) ** 2)


def scanned(hu: np.ndarray) -> np.ndarray:
    """The image of a scanner with finite resolution: half a voxel of blur in each direction."""
    return ndimage.gaussian_filter(hu, (0.4, 0.6, 0.6), truncate=3)

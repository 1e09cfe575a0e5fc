"""Boxes, points and peaks, as a network tells them, -> where they lie on the source."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from monai.data.box_utils import get_boxmode, non_max_suppression
from monai.data.meta_tensor import MetaTensor

from adapters.runtimes.decoding import probabilities
from adapters.runtimes.grid import LPS_TO_RAS
from ai_models.card.places import Origin, Units, XAxis
from ai_models.card.regions import Boxes, Peaks, Points
from ai_models.tensor_errors import InvertedBox, UnknownClass, WrongShape
from ai_models.tensor_regions import Spot


@dataclass(frozen=True)
class Space:
    """What places are counted in, and the way from there to the source.

    source, prepared: of 3 axes, or 2 where it is an image. index: of the prepared slice that the
    network saw by itself; its places have the 2 axes of the slice then.
    """

    source: MetaTensor
    prepared: MetaTensor
    units: Units = Units.VOXELS
    x_axis: XAxis = XAxis.FIRST
    origin: Origin = Origin.MIDDLE
    index: int | None = None

    @classmethod
    def of(
        cls, output: Boxes | Points, source: MetaTensor, prepared: MetaTensor, index: int | None
    ) -> "Space":
        return cls(source, prepared, output.units, output.x_axis, output.origin, index)

    def on_source(self, places: np.ndarray, *, beside: float = 0) -> np.ndarray:
        """(n, axes) as the network counts them -> (n, axes) along the source, 0 at its corner.

        beside: how far from the middle of the slice that the network saw, in slices.
        """
        to_source = np.linalg.inv(_matrix(self.source))
        if self.units.is_patient:
            from_space = to_source if self.units is Units.RAS_MM else to_source @ LPS_TO_RAS
            return _applied(from_space, places) + 0.5
        if self.x_axis is XAxis.LAST:
            places = places[:, ::-1]
        if self.units is Units.NORMALISED:
            places = places * self.prepared.shape[-places.shape[1] :]
        if self.units is Units.NORMALISED or self.origin is Origin.CORNER:
            places = places - 0.5
        if self.index is not None:
            places = np.insert(places, 0, self.index + beside, axis=1)
        return _applied(to_source @ _matrix(self.prepared), places) + 0.5

    def boxes_on_source(self, corners: np.ndarray) -> np.ndarray:
        """(n, 2, axes), low and high corner -> the same along the source: around all corners."""
        axes = corners.shape[-1]
        which = np.array(list(product((False, True), repeat=axes)))
        every = np.where(which, corners[:, None, 1], corners[:, None, 0])
        flat = every.reshape(-1, axes)
        faces = [self.on_source(flat, beside=side) for side in (-0.5, 0.5)]
        moved = np.concatenate(
            [one.reshape(*every.shape[:2], one.shape[1]) for one in faces], axis=1
        )
        return np.stack([moved.min(1), moved.max(1)], axis=1)


def spots_of_boxes(
    tensors: Sequence[torch.Tensor], output: Boxes, space: Space, place: int
) -> list[Spot]:
    """The most probable first. place: of the output in the card, for the errors.

    Raises WrongShape, UnknownClass and InvertedBox; of what lies below its threshold only the
    first, since networks fill up with that.
    """
    boxes, scores, *labels = tensors
    for one in (scores, *labels):
        if len(one) != len(boxes):
            raise WrongShape(place, one.shape, (len(boxes), *one.shape[1:]))
    which, numbers, sure = _probable(scores, labels, output, place)
    corners = _corners(boxes[torch.from_numpy(which)], output, place)
    kept = _best(corners, numbers, sure, output)
    places = space.boxes_on_source(corners[kept])
    told = zip(places, numbers[kept].tolist(), sure[kept].tolist(), strict=True)
    return [Spot(*one) for one in told]


def spots_of_points(tensor: torch.Tensor, output: Points, space: Space) -> list[Spot]:
    points = tensor.double().cpu().numpy()
    scores = points[:, -1] if output.scored else None
    if scores is not None:
        points = points[scores >= output.threshold, :-1]
        scores = scores[scores >= output.threshold]
    places = space.on_source(points)
    sure = [None] * len(places) if scores is None else scores.tolist()
    return [Spot(one, 0, score) for one, score in zip(places, sure, strict=True)]


def spots_of_peaks(tensor: torch.Tensor, output: Peaks, space: Space) -> list[Spot]:
    """Where each channel is highest, and where it is so apart from there."""
    maps = probabilities(tensor, output.encoding).clip(0, 1)
    spots, near = [], output.separation - 1
    for number, (one, mark) in enumerate(zip(maps.cpu().numpy(), output.classes, strict=True)):
        for _ in range(output.most):
            index = np.unravel_index(int(one.argmax()), one.shape)
            if one[index] < mark.threshold:
                break
            (where,) = space.on_source(np.array([index], float))
            spots.append(Spot(where, number, float(one[index])))
            one[tuple(slice(max(i - near, 0), i + near + 1) for i in index)] = -1
    return spots


def _probable(
    scores: torch.Tensor, labels: Sequence[torch.Tensor], output: Boxes, place: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which boxes are of which class, and how surely: three arrays (n,), by falling probability."""
    thresholds = np.array([one.threshold for one in output.classes])
    if not labels:
        by_class = scores[:, None] if scores.ndim == 1 else scores
        sure = probabilities(by_class.T, output.encoding).T.cpu().numpy()
        which, numbers = np.nonzero(sure >= thresholds)
        sure = sure[which, numbers]
    else:
        sure = probabilities(scores, output.encoding).cpu().numpy()
        told = labels[0].double().cpu().numpy() - output.first_label
        numbers = told.clip(0, len(thresholds) - 1).astype(int)
        which = np.flatnonzero(sure >= thresholds[numbers])
        if (strange := told[which][told[which] != numbers[which]]).size:
            last = output.first_label + len(thresholds) - 1
            found = float(strange[0]) + output.first_label
            raise UnknownClass(place, found, (output.first_label, last))
        numbers, sure = numbers[which], sure[which]
    order = np.argsort(-sure, kind="stable")
    return which[order], numbers[order], sure[order]


def _corners(boxes: torch.Tensor, output: Boxes, place: int) -> np.ndarray:
    """(n, 2, axes). Raises InvertedBox."""
    ends = get_boxmode(output.mode.value).boxes_to_corners(boxes.double())
    corners = torch.cat(ends, dim=1).cpu().numpy().reshape(-1, 2, output.mode.axes)
    inverted = np.flatnonzero((corners[:, 0] >= corners[:, 1]).any(axis=1))
    if inverted.size:
        raise InvertedBox(place, boxes[int(inverted[0])].tolist(), output.mode)
    return corners


def _best(corners: np.ndarray, numbers: np.ndarray, sure: np.ndarray, output: Boxes) -> np.ndarray:
    """Which ones are left where the stronger of a class leave out those that they overlap."""
    if output.maximum_overlap is None:
        return np.arange(len(corners))[: output.most]
    kept = []
    for number in np.unique(numbers):
        own = np.flatnonzero(numbers == number)
        flat = corners[own].reshape(len(own), -1)
        kept.append(own[non_max_suppression(flat, sure[own], output.maximum_overlap)])
    return np.sort(np.concatenate([*kept, np.array([], int)]))[: output.most]


def _matrix(image: MetaTensor) -> np.ndarray:
    """From voxels to RAS in mm; an image lies in a plane of its own."""
    return image.affine.double().cpu().numpy()


def _applied(matrix: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n, axes) -> (n, axes); what has two axes lies at 0 along the third."""
    axes = places.shape[1]
    padded = np.zeros((len(places), 4))
    padded[:, :axes], padded[:, 3] = places, 1
    return (padded @ matrix.T)[:, :axes]

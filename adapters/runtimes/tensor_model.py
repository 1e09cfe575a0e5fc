"""A network of tensors as a model: the card says what goes in and what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor

from adapters.runtimes.decoding import checked, labels_of, probabilities
from adapters.runtimes.execution import Network, run
from adapters.runtimes.grid import labels_on, numbers_on, preparation
from adapters.runtimes.source_images import pictures, volume_image
from adapters.runtimes.spots import Space, spots_of_boxes, spots_of_peaks, spots_of_points
from ai_models.card import ModelCard
from ai_models.card.outputs import (
    Boxes,
    Classes,
    HeatMap,
    Labels,
    Outlines,
    Output,
    Peaks,
    Points,
    Regression,
)
from ai_models.card.tensor_output import Encoding
from ai_models.contract import Inputs
from ai_models.tensor_findings import (
    of_all_images,
    of_classes,
    of_heat_map,
    of_labels,
    of_regression,
)
from ai_models.tensor_regions import InVolume, OnImage, of_outlines, of_spots
from standards.findings import Finding


class MissingFile(Exception):
    """What the card names is not in the model's folder."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"the file {name} is not there; expected it in the model's folder, as [runtime] names "
            "it: register a zip archive with it and card.toml"
        )


def file_in(folder: Path | None, name: str) -> Path:
    """A file that the card names. Raises MissingFile."""
    path = folder / name if folder else None
    if path is None or not path.is_file():
        raise MissingFile(name)
    return path


class TensorModel:
    """Prepares, runs, decodes and puts back; made once, with the network on its device."""

    def __init__(self, card: ModelCard, network: Network, device: torch.device) -> None:
        self._card, self._network, self._device = card, network, device
        self._prepare = preparation(card.preprocessing, card.network_channels)

    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        """Raises the errors of ai_models/tensor_errors.py, and UndescribedLabel, where the
        network's tensors are not what the card says; NoResult where the inputs do not fit together.
        """
        if not inputs.image_series:
            volume = inputs.volumes[self._card.series[0].name]
            return self._findings(volume_image(self._card, inputs, self._device), InVolume(volume))
        shown = pictures(self._card, inputs.images, self._device)
        return of_all_images([self._findings(source, canvas) for source, canvas in shown])

    def _findings(self, source: MetaTensor, canvas: OnImage | InVolume) -> list[Finding]:
        prepared = self._prepare(source)
        assert isinstance(prepared, MetaTensor)  # noqa: S101 (as all transforms of a card keep it)
        image, answer = prepared.as_tensor(), Answer(canvas, source, prepared)
        if not self._card.looks_at_single_slices:
            return self._explained(image, answer)
        slices = ((image[:, n], replace(answer, index=n)) for n in range(image.shape[1]))
        return [one for seen, about in slices for one in self._explained(seen, about)]

    def _explained(self, image: torch.Tensor, answer: "Answer") -> list[Finding]:
        tensors = iter(run(self._network, image, self._card))
        findings: list[Finding] = []
        for place, output in enumerate(self._card.outputs, start=1):
            findings += answer.findings(output, list(islice(tensors, len(output.names))), place)
        return findings


@dataclass(frozen=True)
class Answer:
    """What the tensors of one run are about. index: of the only slice that the network saw."""

    canvas: OnImage | InVolume
    source: MetaTensor
    prepared: MetaTensor
    index: int | None = None

    def findings(
        self, output: Output, given: Sequence[torch.Tensor], place: int
    ) -> Sequence[Finding]:
        """given: the tensors that the output reads. place: of the output in the card, from 1."""
        shapes = output.shapes(self.prepared.shape[1 if self.index is None else 2 :])
        tensors = [checked(one, shape, place) for one, shape in zip(given, shapes, strict=True)]
        match output:
            case Classes():
                sure = probabilities(tensors[0].double(), output.encoding)
                return of_classes(output, sure.tolist())
            case Regression():
                return [of_regression(output, float(tensors[0][0]))]
            case Boxes() | Points() | Peaks():
                return self._regions(output, tensors, place)
            case Outlines() if isinstance(self.canvas, OnImage):
                return self._outlines(output, tensors[0], self.canvas)
            case Labels() if isinstance(self.canvas, InVolume):
                voxels = labels_on(self.source, labels_of(tensors[0], output), self.prepared)
                return of_labels(output, voxels, self.canvas.volume)
            case HeatMap() if isinstance(self.canvas, InVolume):
                numbers = numbers_on(self.source, tensors[0][0], self.prepared)
                return [of_heat_map(output, numbers)]
        raise AssertionError(output.kind)  # no card has it for the other kind of input

    def _regions(
        self, output: Boxes | Points | Peaks, tensors: Sequence[torch.Tensor], place: int
    ) -> Sequence[Finding]:
        about = (self.source, self.prepared)
        match output:
            case Boxes():
                space = Space.of(output, *about, self.index)
                spots, marks = spots_of_boxes(tensors, output, space, place), output.classes
            case Points():
                space = Space.of(output, *about, self.index)
                spots, marks = spots_of_points(tensors[0], output, space), (output,)
            case Peaks():
                space = Space(*about)
                spots, marks = spots_of_peaks(tensors[0], output, space), output.classes
        return of_spots(spots, marks, output.calibration, self.canvas, place)

    def _outlines(
        self, output: Outlines, tensor: torch.Tensor, canvas: OnImage
    ) -> Sequence[Finding]:
        labels = labels_on(self.source, labels_of(tensor, output), self.prepared)
        sure = None
        if output.encoding is not Encoding.LABELS:
            by_class = probabilities(tensor, output.encoding)
            sure = np.stack([numbers_on(self.source, one, self.prepared) for one in by_class])
        return of_outlines(output, labels, sure, canvas)

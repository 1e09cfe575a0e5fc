"""A network of tensors as a model: the card says what goes in and what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from monai.data.meta_tensor import MetaTensor

from adapters.runtimes.decoding import checked, labels_of, probabilities_of
from adapters.runtimes.execution import Network, run
from adapters.runtimes.grid import image_of, labels_on, lps_affine, numbers_on, preparation
from ai_models.card import ModelCard
from ai_models.card.outputs import Classes, HeatMap, Labels, Output, Points, Regression
from ai_models.contract import Inputs
from ai_models.tensor_findings import (
    of_classes,
    of_heat_map,
    of_labels,
    of_points,
    of_regression,
)
from standards.findings import Finding
from standards.volume import Volume


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
        self._prepare = preparation(card.preprocessing)

    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        """Raises NotFinite, WrongShape, WrongCount and UndescribedLabel where the network's
        tensors are not what the card says.
        """
        card, volume = self._card, inputs.volume
        source = image_of(volume, self._device)
        prepared = self._prepare(source)
        assert isinstance(prepared, MetaTensor)  # noqa: S101 (as all transforms of a card keep it)
        tensors = run(
            self._network, prepared.as_tensor(), card.inference, card.resources, len(card.outputs)
        )
        answer = Answer(volume, source, prepared)
        findings: list[Finding] = []
        for place, (output, tensor) in enumerate(zip(card.outputs, tensors, strict=True), start=1):
            findings += answer.findings(output, tensor, place)
        return findings


@dataclass(frozen=True)
class Answer:
    """What the tensors of one run are about."""

    volume: Volume
    source: MetaTensor
    prepared: MetaTensor

    def findings(self, output: Output, tensor: torch.Tensor, place: int) -> Sequence[Finding]:
        """place: of the output in the card, from 1."""
        grid = self.prepared.shape[1:]
        match output:
            case Labels():
                labels = labels_of(tensor, output, grid, place)
                return of_labels(output, labels_on(self.source, labels, self.prepared), self.volume)
            case Classes():
                return of_classes(output, probabilities_of(tensor, output, place))
            case Regression():
                return [of_regression(output, float(checked(tensor, (1,), place)[0]))]
            case Points():
                points = checked(tensor, (None, 4), place).cpu().numpy()
                return of_points(output, points, lps_affine(self.prepared))
            case HeatMap():
                numbers = checked(tensor, (1, *grid), place)[0]
                return [of_heat_map(output, numbers_on(self.source, numbers, self.prepared))]

"""A MONAI bundle as the Model Zoo lays it out, run as its own configuration says.

Of its `preprocessing` only the reading of files is left out, of its `postprocessing` only their
writing: both are done here already.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.bundle.config_parser import ConfigParser
from monai.data.meta_tensor import MetaTensor

from adapters.runtimes import pickles
from adapters.runtimes.decoding import tensors_of
from adapters.runtimes.execution import Network, device_for
from adapters.runtimes.pickles import PickledCode
from adapters.runtimes.source_images import volume_image
from adapters.runtimes.tensor_model import Answer, file_in
from ai_models.card import ModelCard
from ai_models.card.outputs import Labels
from ai_models.card.runtime import MonaiBundle
from ai_models.contract import Inputs
from ai_models.tensor_regions import InVolume
from standards.findings import Finding

_READING = frozenset({"LoadImaged", "EnsureChannelFirstd", "AddChanneld"})
_WRITING = frozenset({"SaveImaged"})
_PREPARED = "evaluator::_requires_"  # what detection bundles do to their detector beforehand
_Transform = Callable[[dict[str, Any]], dict[str, Any]]


def load(card: ModelCard, folder: Path | None) -> "BundleModel":
    """Raises MissingFile, PickledCode, and what MONAI raises for a configuration."""
    assert isinstance(card.runtime, MonaiBundle)  # noqa: S101 (as the table of loaders has it)
    root = folder / card.runtime.root if folder else None
    config, weights = file_in(root, card.runtime.config), file_in(root, card.runtime.weights)
    device = device_for(card.resources)
    parser = ConfigParser()
    parser.read_config(str(config))
    parser["bundle_root"], parser["device"] = str(root), device
    # Before anything is made: a change makes all that was made before anew, and Invertd needs the
    # very transforms that it inverts.
    _leave_out(parser, "preprocessing", _READING)
    _leave_out(parser, "postprocessing", _WRITING)
    network = parser.get_parsed_content("network_def").to(device)
    network.load_state_dict(_state(weights, device))
    sys.path.insert(0, str(root))  # for a bundle's own `scripts`, as `monai.bundle run` wants it
    if _PREPARED in parser:
        parser.get_parsed_content(_PREPARED)
    return BundleModel(card, network.eval(), parser, device)


def _state(weights: Path, device: torch.device) -> Mapping[str, torch.Tensor]:
    """Of a state dict, of a checkpoint of several parts, or of a whole network where pickled code
    is allowed.
    """
    try:
        held = torch.load(weights, map_location=device, weights_only=not pickles.are_allowed())
    except Exception as error:  # whatever foreign bytes make of the reader
        expected = "a state dict, as torch.save(network.state_dict(), ...) writes one"
        raise PickledCode(weights.name, expected) from error
    network = held.get("model", held) if isinstance(held, Mapping) else held
    return network.state_dict() if isinstance(network, torch.nn.Module) else network


class BundleModel:
    """preprocessing -> inferer with network_def -> postprocessing -> labels; or, of a detector,
    what the inferer tells of boxes: its postprocessing moves them to where files have them.
    """

    def __init__(
        self, card: ModelCard, network: Network, parser: ConfigParser, device: torch.device
    ) -> None:
        self._card, self._network, self._device = card, network, device
        self._before = _transforms(parser, "preprocessing")
        self._inferer = parser.get_parsed_content("inferer")
        self._after = None
        if isinstance(card.outputs[0], Labels):
            self._after = _transforms(parser, "postprocessing")

    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        """Raises what a tensor model raises, and what the bundle raises."""
        (output,) = self._card.outputs
        volume = inputs.volumes[self._card.series[0].name]
        source = volume_image(self._card, inputs, self._device)
        autocast = torch.autocast(self._device.type, enabled=self._card.resources.autocast)
        with torch.inference_mode(), autocast:
            data = self._before({"image": _as_read_from_a_file(source)})
            image = data["image"]
            (raw,) = self._inferer(image[None].as_tensor(), self._network)
            if self._after is None:
                prepared, given = image, tensors_of(raw, output.names)
            else:
                data["pred"] = MetaTensor(raw.float(), affine=image.affine)
                prepared = self._after(data)["pred"]
                given = [prepared.as_tensor().float()]
        return Answer(InVolume(volume), source, prepared).findings(output, given, place=1)


def _as_read_from_a_file(image: MetaTensor) -> MetaTensor:
    """(channels, slices, rows, columns) -> (channels, columns, rows, slices), as MONAI reads it."""
    affine = image.affine[:, [2, 1, 0, 3]]
    return MetaTensor(image.as_tensor().permute(0, 3, 2, 1).contiguous(), affine=affine)


def _leave_out(parser: ConfigParser, name: str, without: frozenset[str]) -> None:
    if name in parser:
        parser[f"{name}::transforms"] = [
            one
            for one in parser[name]["transforms"]
            if not (isinstance(one, dict) and str(one.get("_target_")).split(".")[-1] in without)
        ]


def _transforms(parser: ConfigParser, name: str) -> _Transform:
    """A Compose of the configuration; what it lacks changes nothing."""
    return parser.get_parsed_content(name) if name in parser else lambda data: data

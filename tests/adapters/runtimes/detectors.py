"""Networks that box what is bright, and images with one bright box, so that places are known."""

from typing import Any

import numpy as np
import torch
from pydicom import Dataset

from adapters.runtimes.tensor_model import TensorModel
from ai_models.contract import Inputs
from standards.findings import Findings
from standards.images import Image
from standards.volume import Volume
from tests.cards import card
from tests.pictures import radiograph

NODULE = {"scheme": "SCT", "value": "27925004", "meaning": "Nodule"}
MARK = {"name": "Nodule", "finding": NODULE, "colour": [10, 200, 30]}
BOXES = {"kind": "boxes", "mode": "xyzxyz", "x_axis": "first", "classes": [MARK]}
BOXES_2D = BOXES | {"mode": "xyxy"}
NAMED = {"tensor": "boxes", "scores": "scores", "labels": "labels"}
# Low and high corner along (slices, rows, columns), 0 at the outer corner of the first voxel.
PLACE = ((8, 10, 16), (12, 20, 30))
SHAPE = (24, 32, 40)
CT = [{"modality": ["CT"]}]
PICTURES = [{"kind": "images"}]


class Finder(torch.nn.Module):
    """One box around all that is brighter than 300 in the first channel, or none."""

    def forward(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        places = torch.nonzero(batch[0, 0] > 300).float()
        if not len(places):
            return {name: torch.zeros(0) for name in ("boxes", "scores", "labels")}
        low, high = places.amin(0), places.amax(0) + 1
        return {
            "boxes": torch.cat([low, high])[None],
            "scores": torch.full([1], 0.9),
            "labels": torch.zeros([1]),
        }


class Tells(torch.nn.Module):
    """Answers the same, whatever it sees."""

    def __init__(self, *answer: Any, **named: Any) -> None:
        super().__init__()
        self.answer = [torch.as_tensor(one) for one in answer]
        self.named = {name: torch.as_tensor(one) for name, one in named.items()}

    def forward(self, *_: torch.Tensor) -> Any:
        return self.named or self.answer


def volume(frame_of_reference: str = "1.2.3", shape: tuple[int, int, int] = SHAPE) -> Volume:
    """Axial, 2 x 1 x 1 mm, one box of 800 HU in -200."""
    voxels = np.full(shape, -200, np.int16)
    voxels[tuple(slice(low, high) for low, high in zip(*PLACE, strict=True))] = 800
    affine = np.array([[0, 0, 1, -20], [0, 1, 0, -100], [2, 0, 0, 300], [0, 0, 0, 1.0]])
    header = Dataset()
    header.FrameOfReferenceUID = frame_of_reference
    return Volume(voxels, affine, (header,) * len(voxels))


def picture(number: int = 1, **attributes: object) -> Image:
    """64 x 80 pixels of 0.2 mm, one box of 800 in rows 10 to 19 and columns 16 to 29."""
    instance = radiograph(number, PhotometricInterpretation="MONOCHROME2", **attributes)
    pixels = np.zeros((64, 80), "<u2")
    pixels[10:20, 16:30] = 800
    instance.PixelData = pixels.tobytes()
    return Image(instance)


def found(
    network: torch.nn.Module, seen: Volume | Image, *outputs: Any, **sections: Any
) -> Findings:
    """What the network finds on a volume or on one image, by a card with these outputs."""
    is_volume = isinstance(seen, Volume)
    inputs = Inputs({"image": seen}) if is_volume else Inputs({}, image_series={"image": [seen]})
    sections = {"inputs": CT if is_volume else PICTURES} | sections
    one = card({"kind": "torchscript"}, outputs=list(outputs), **sections)
    return Findings.of(TensorModel(one, network, torch.device("cpu")).predict(inputs))

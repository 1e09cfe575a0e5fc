"""A 3-D U-Net by sliding windows over 300 x 512 x 512, on a GPU: ours, the bare network, MONAI.

Ours goes from the volume in memory to findings on its grid: transfer, window, windows through the
network, labels, copy back. The bare network computes as many windows and nothing else. MONAI's own
way is its defaults: single precision, windows put together where the image is, labels on the CPU.
Without a GPU it says so and measures nothing; with --quick it runs on the CPU.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import Dataset

from adapters.runtimes.loading import Loadable, load
from ai_models.contract import Inputs
from standards.volume import Volume
from tests.bench.plan import FULL, Plan
from tests.bench.report import Line
from tests.cards import card

if TYPE_CHECKING:
    import torch

LIVER = {"scheme": "SCT", "value": "10200004", "meaning": "Liver"}
# The volume, the windows, and the channels of the network.
LARGE = ((300, 512, 512), 96, (32, 64, 128, 256))
TINY = ((24, 48, 48), 16, (4, 8, 8, 8))
SPACING_MM = 0.8


def measure(plan: Plan) -> Iterator[Line]:
    import torch  # noqa: PLC0415 (the other pieces are measured without it)

    has_gpu = torch.cuda.is_available()
    if not has_gpu and plan.sizes is FULL:
        print("no GPU that torch can use here: nothing was measured")
        return
    device = torch.device("cuda" if has_gpu else "cpu")
    shape, roi, channels = LARGE if plan.sizes is FULL else TINY
    volume = _volume(shape)
    network = _network(plan.place("cuda"), channels, device)
    model = load(_loadable(plan.folder / "cuda", roi, str(device)))
    ways: dict[str, Callable[[], Any]] = {
        "ours": lambda: model.predict(Inputs({"image": volume})),
        "bare": lambda: _bare(network, volume, roi, device),
        "MONAI": lambda: _monai(network, volume, roi, device),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    peaks = []
    for run in range(plan.repeat + 1):
        for name, way in ways.items():
            plan.say(f"{name}, run {run} of {plan.repeat}")
            taken, peak = _timed(way, device)
            if run:  # the first warms up
                seconds[name].append(taken)
                peaks += [peak] if name == "ours" else []
    work = f"U-Net, {' x '.join(map(str, volume.voxels.shape))}, {device}"
    per_second: dict[str, object] = {"samples_per_second": 1 / float(np.median(seconds["ours"]))}
    yield Line(work, seconds["ours"], seconds["bare"], "0.9 x", "s", "bare", per_second)
    yield Line(work, seconds["ours"], seconds["MONAI"], "1 x", "s", "MONAI")
    yield Line(f"{work}: peak GPU memory", peaks, unit="MiB")


def _volume(shape: tuple[int, int, int]) -> Volume:
    voxels = np.random.default_rng(1).integers(-1000, 1000, shape, dtype=np.int16)
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])[:, [2, 1, 0, 3]]
    return Volume(voxels, affine, tuple(Dataset() for _ in voxels))


def _network(folder: Path, channels: tuple[int, ...], device: "torch.device") -> "torch.nn.Module":
    """Also written to the folder as TorchScript."""
    import torch  # noqa: PLC0415
    from monai.networks.nets.unet import UNet  # noqa: PLC0415

    torch.manual_seed(1)
    network = UNet(3, 1, 2, channels, strides=(2, 2, 2), num_res_units=1).eval()
    torch.jit.save(torch.jit.script(network), folder / "model.ts")
    return network.to(device)


def _loadable(folder: Path, roi: int, device: str) -> Loadable:
    outputs = [{"kind": "labels", "labels": [{"name": "Liver", "type": LIVER}]}]
    one = card(
        {"kind": "torchscript"},
        inputs=[{"modality": ["CT"]}],
        preprocessing={"window": {"low": -160, "high": 240}},
        inference={"mode": "sliding-window", "roi_size": [roi] * 3, "overlap": 0.25, "batch": 4},
        outputs=outputs,
        resources={"device": device, "autocast": device == "cuda", "channels_last": True},
    )
    return Loadable(one, folder)


def _bare(network: "torch.nn.Module", volume: Volume, roi: int, device: "torch.device") -> None:
    """As many windows as ours, of zeros that lie on the device."""
    import torch  # noqa: PLC0415
    from monai.data.utils import dense_patch_slices  # noqa: PLC0415

    step = (int(roi * 0.75),) * 3
    windows = len(dense_patch_slices(volume.voxels.shape, (roi,) * 3, step))
    batch = torch.zeros((4, 1, roi, roi, roi), device=device)
    batch = batch.contiguous(memory_format=torch.channels_last_3d)
    with torch.inference_mode(), torch.autocast(device.type, enabled=device.type == "cuda"):
        for first in range(0, windows, 4):
            network(batch[: min(4, windows - first)])


def _monai(network: "torch.nn.Module", volume: Volume, roi: int, device: "torch.device") -> None:
    import torch  # noqa: PLC0415
    from monai.inferers.inferer import SlidingWindowInferer  # noqa: PLC0415
    from monai.transforms.intensity.array import ScaleIntensityRange  # noqa: PLC0415

    image = torch.from_numpy(volume.voxels.astype(np.float32))[None]
    image = torch.as_tensor(ScaleIntensityRange(-160, 240, 0, 1, clip=True)(image))
    with torch.no_grad():
        answer = SlidingWindowInferer(roi_size=(roi,) * 3)(image[None].to(device), network)
    torch.as_tensor(answer).cpu().argmax(1)


def _timed(way: Callable[[], Any], device: "torch.device") -> tuple[float, float]:
    """Seconds, and MiB of GPU memory at most."""
    import torch  # noqa: PLC0415

    is_cuda = device.type == "cuda"
    if is_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
    started = time.perf_counter()
    way()
    if is_cuda:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    return seconds, torch.cuda.max_memory_allocated() / (1 << 20) if is_cuda else 0.0

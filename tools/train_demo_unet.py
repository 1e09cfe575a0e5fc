"""Train the bundle ai_models/demo_unet on volumes made here, and measure it: minutes of a CPU.

    python -m tools.train_demo_unet

A bright ellipsoid is to be marked among rods of the same density, in noise. Held-out volumes have
seeds that training never sees.
"""

from pathlib import Path

import numpy as np
import torch
from monai.bundle.config_parser import ConfigParser
from monai.losses.dice import DiceCELoss

BUNDLE = Path(__file__).parents[1] / "ai_models" / "demo_unet"
SIZE = 32  # voxels of 2 mm
STEPS, BATCH = 150, 2
HELD_OUT = range(1_000_000, 1_000_020)


def volume(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """HU and mask of the ellipsoid, float32 and bool, (32, 32, 32) voxels of 2 mm."""
    random = np.random.default_rng(seed)
    places = np.moveaxis(np.indices((SIZE,) * 3), 0, -1).astype(np.float32)
    middle, radii = random.uniform(11, 21, 3), random.uniform(4, 9, 3)
    mask = (((places - middle) / radii) ** 2).sum(-1) < 1
    hu = np.full((SIZE,) * 3, -100.0)
    for _ in range(3):
        axes = random.choice(3, 2, replace=False)
        away = ((places[..., axes] - random.uniform(3, 29, 2)) ** 2).sum(-1)
        hu[away < random.uniform(1.5, 3) ** 2] = 100
    hu[mask] = 100
    return (hu + random.normal(0, 40, hu.shape)).astype(np.float32), mask


def prepared(hu: np.ndarray) -> torch.Tensor:
    """As `preprocessing` of configs/inference.json scales it."""
    return torch.from_numpy((hu + 200) / 500).clamp(0, 1)


def train(network: torch.nn.Module) -> None:
    loss = DiceCELoss(to_onehot_y=True, softmax=True)
    optimizer = torch.optim.AdamW(network.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=STEPS)
    for step in range(STEPS):
        pairs = [volume(step * BATCH + n) for n in range(BATCH)]
        images = torch.stack([prepared(hu)[None] for hu, _ in pairs])
        masks = torch.stack([torch.from_numpy(mask)[None].float() for _, mask in pairs])
        optimizer.zero_grad()
        loss(network(images), masks).backward()
        optimizer.step()
        schedule.step()


def dice(network: torch.nn.Module, seed: int) -> float:
    hu, mask = volume(seed)
    with torch.inference_mode():
        marked = network(prepared(hu)[None, None])[0].argmax(0).numpy().astype(bool)
    return float(2 * (marked & mask).sum() / (marked.sum() + mask.sum()))


def main() -> None:
    torch.manual_seed(0)
    parser = ConfigParser()
    parser.read_config(str(BUNDLE / "configs" / "inference.json"))
    network = parser.get_parsed_content("network_def")
    train(network.train())
    scores = [dice(network.eval(), seed) for seed in HELD_OUT]
    torch.save(network.state_dict(), BUNDLE / "models" / "model.pt")
    print(f"Dice on {len(scores)} held-out volumes: mean {np.mean(scores):.3f}, ", end="")
    print(f"lowest {min(scores):.3f}")


if __name__ == "__main__":
    main()

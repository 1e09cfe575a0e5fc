"""Train the network of ai_models/burned_in_text on pictures that are made here.

    python -m tools.burned_in_text.train [--steps 1800] [--seed 1]

About 5 minutes of one core. The same seed and the same versions of the libraries give the same
weights, up to the last bits of floating point.
"""

import argparse

import numpy as np
import torch
from torch import nn

from ai_models.burned_in_text.gray import gray, relief
from ai_models.burned_in_text.network import CELL, LAYERS, WEIGHTS
from tools.burned_in_text.pictures import Picture, picture

PICTURES = 3000
SIDE = 192
BATCH = 12
LEARNING_RATE = 4e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # such small layers gain nothing from more
    network = trained(options.steps, np.random.default_rng(options.seed))
    np.savez_compressed(WEIGHTS, allow_pickle=False, **arrays_of(network))
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size / 1024:.0f} KiB")


def trained(steps: int, rng: np.random.Generator) -> nn.Sequential:
    """The network after so many batches, the learning rate falling to nothing at the end."""
    reliefs, wanted = _pictures(rng)
    network = _network()
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    total = 0.0
    for step in range(1, steps + 1):
        chosen = rng.choice(PICTURES, BATCH, replace=False)
        signs = rng.choice([-1, 1], (BATCH, 1, 1, 1)).astype(np.float32)  # dark on light as well
        answer = network(torch.from_numpy(reliefs[chosen] * signs))
        loss = nn.functional.binary_cross_entropy_with_logits(
            answer, torch.from_numpy(wanted[chosen])
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        total += loss.item()
        if step % 100 == 0:
            print(f"step {step}: loss {total / 100:.4f}", flush=True)
            total = 0.0
    return network


def arrays_of(network: nn.Sequential) -> dict[str, np.ndarray]:
    """Weights and biases by the names that ai_models.burned_in_text.network looks for."""
    convolutions = [part for part in network if isinstance(part, nn.Conv2d)]
    arrays = {}
    for n, part in enumerate(convolutions):
        for name, values in part.named_parameters():
            arrays[f"{name}{n}"] = values.detach().numpy()
    return arrays


def _network() -> nn.Sequential:
    parts = []
    for layer in LAYERS:
        parts += [
            nn.Conv2d(
                layer.channels_in, layer.channels_out, layer.kernel, layer.stride,
                layer.padding, layer.dilation,
            ),
            nn.ReLU(),
        ]  # fmt: skip
    return nn.Sequential(*parts[:-1])


def _pictures(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Reliefs, float32, (PICTURES, 1, SIDE, SIDE), and what each of their cells should say."""
    made = [
        picture(rng, (SIDE, SIDE), int(rng.integers(0, 5)), int(rng.integers(0, 5)))
        for _ in range(PICTURES)
    ]
    reliefs = np.stack([relief(gray(one.plane)) for one in made])
    return reliefs[:, None], np.stack([_wanted(one) for one in made])[:, None]


def _wanted(one: Picture) -> np.ndarray:
    """The share of each cell that lies in a line of writing, made yes or no at a half."""
    inside = np.zeros(one.plane.shape, np.float32)
    for top, left, bottom, right in one.boxes:
        inside[top:bottom, left:right] = 1
    cells = SIDE // CELL
    share = inside.reshape(cells, CELL, cells, CELL).mean(axis=(1, 3))
    return (share > 0.5).astype(np.float32)


if __name__ == "__main__":
    main()

"""The network: put your own in its place, with its trained weights."""

import torch


class Bone(torch.nn.Module):
    """(batch, 1, a, b, c) in HU -> (batch, 2, a, b, c): background, and bone from 300 HU on."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv3d(1, 2, kernel_size=1)
        with torch.no_grad():
            self.layer.weight.view(2, 1)[:] = torch.tensor([[0.0], [1.0]])
            self.layer.bias[:] = torch.tensor([0.0, -300.0])

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layer(image)

"""LPIPS v0.1 with VGG16 (Zhang et al. 2018) as a loss. The judge is AlexNet's: no loss may learn to please a metric."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.errors import UserError

STAGES = (2, 2, 3, 3, 3)  # convolutions; a stage's last activations are compared, then halved for the next one
MIN_SIZE = 16  # px; below it the last stage has no pixel left
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels in [0,1]
_EPSILON = 1e-8  # under the root, as in torchmetrics: no gradient is more than 1e4 times as large


class LpipsLoss(nn.Module):
    """`weight` times the distance of two batches of images; the network is frozen and in no state dict.

    `weights` as erlnet.asset_files.lpips_arrays lays them out. It looks at `windows` images of a batch at most, evenly
    spread (training windows come sorted by what they are centred on), because it costs more than all the rest of a
    training step.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, weights: dict[str, np.ndarray], weight: float, windows: int):
        super().__init__()
        self.weight, self.windows = weight, windows
        arrays = {name.replace(".", "_"): torch.from_numpy(array) for name, array in weights.items()}
        arrays |= {"mean": torch.tensor(_MEAN).view(3, 1, 1), "deviation": torch.tensor(_DEVIATION).view(3, 1, 1)}
        for name, tensor in arrays.items():
            if tensor.ndim == 4:
                tensor = tensor.contiguous(memory_format=torch.channels_last)
            self.register_buffer(name, tensor, persistent=False)

    def features(self, image: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B _ _ _"]]:
        """Five stages' activations, each pixel's channels scaled to unit length; UserError below MIN_SIZE px."""
        if min(image.shape[-2:]) < MIN_SIZE:
            raise UserError(
                f"perceptual=lpips needs images of at least {MIN_SIZE} px, these are {tuple(image.shape[-2:])}: "
                "choose larger training windows (renderer.window times renderer.factor)"
            )
        x = ((image - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
        layers, number = [], 0
        for stage, convolutions in enumerate(STAGES):
            if stage:
                x = F.max_pool2d(x, 2)
            for _ in range(convolutions):
                kernel, bias = getattr(self, f"conv{number}_weight"), getattr(self, f"conv{number}_bias")
                x = F.conv2d(x, kernel, bias, padding=1).relu_()
                number += 1
            layers.append(x / (x.square().sum(1, keepdim=True) + _EPSILON).sqrt())
        return layers

    def forward(self, image: Float[Tensor, "B 3 H W"], truth: Float[Tensor, "B 3 H W"]) -> Float[Tensor, ""]:
        """Images in [0,1], not clipped; gradients go to `image` alone. The mean over the images looked at."""
        looked = torch.linspace(0, len(image) - 1, min(self.windows, len(image))).round().long().tolist()
        with torch.no_grad():
            wanted = self.features(truth[looked])
        distance = image.new_zeros(())
        for number, (mine, right) in enumerate(zip(self.features(image[looked]), wanted)):
            head = getattr(self, f"lin{number}_weight")
            distance = distance + torch.einsum("bchw,c->bhw", (mine - right).square(), head).mean()
        return self.weight * distance


def load_lpips_loss(path: Path, weight: float, windows: int) -> LpipsLoss:
    """The loss with the asset's weights."""
    with np.load(path) as archive:
        return LpipsLoss({name: archive[name] for name in archive.files}, weight, windows)

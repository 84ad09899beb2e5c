"""tinycudann's hash encoding, where it is installed and there is a GPU for it."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.errors import UserError
from erlnet.nerf.hashgrid import START, GridShape

INSTALL = 'pip install "git+https://github.com/NVlabs/tiny-cuda-nn/#subdirectory=bindings/torch"'


def load_tinycudann() -> Any:
    """The module; UserError, with the command that installs it, where it cannot be used."""
    try:
        import tinycudann
    except (ImportError, OSError) as error:  # OSError: no GPU, or one that it was not compiled for
        raise UserError(
            f"encoding=tcnn: tinycudann cannot be used here ({str(error).splitlines()[0]}); with nvcc and a GPU, get "
            f"it by: {INSTALL}; without them encoding=hashgrid computes the same"
        ) from None
    return tinycudann


class TcnnEncoding(nn.Module):
    """The features of HashGridEncoding of the same shape and `grid.params`, by CUDA kernels in float32.

    Their gradients are added up in whatever order threads arrive in: training is not the same to the bit twice.
    """

    def __init__(self, shape: GridShape):
        super().__init__()
        self.width = shape.width
        config = {
            "otype": "HashGrid",
            "n_levels": shape.levels,
            "n_features_per_level": shape.features,
            "log2_hashmap_size": shape.table,
            "base_resolution": shape.coarsest,
            "per_level_scale": shape.growth,
        }
        self.grid = load_tinycudann().Encoding(3, config, dtype=torch.float32)
        with torch.no_grad():  # by torch's seed, which is the run's, not by tinycudann's
            self.grid.params.copy_(torch.empty(self.grid.params.shape).uniform_(-START, START))

    def forward(self, points: Float[Tensor, "N 3"]) -> Float[Tensor, "N D"]:
        """`points` in [-1,1], clamped to the border outside -> features on the points' device."""
        device = self.grid.params.device
        if device.type != "cuda":
            raise UserError("encoding=tcnn computes on a GPU alone: set ERLNET_DEVICE=cuda, or take encoding=hashgrid")
        unit = (points.to(device).clamp(-1, 1) + 1) / 2
        return self.grid(unit).to(points.device)

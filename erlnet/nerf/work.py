"""How much arithmetic one rendered frame takes."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from erlnet.nerf.branches import Driving
from erlnet.nerf.model import DbfNerf


@torch.enable_grad()  # without, the counter hangs its hooks on views that have no gradient, and fails (torch 2.13)
def multiply_adds(model: DbfNerf, driving: Driving) -> int:
    """Multiply-adds of rendering a frame, the mean over `driving`'s rows: those of matrix products and convolutions.

    Not counted: reading grids (`grid_sample`, table lookups), boxes and occupancy, compositing, activations, softmax,
    resizing; none of them is a matrix product. It depends on how many rays meet the person, so it is measured.
    """
    with FlopCounterMode(display=False) as counter:
        model.render(*driving)
    return round(counter.get_total_flops() / 2 / len(driving.head_to_world))  # a flop counter counts both halves

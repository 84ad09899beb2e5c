"""What neither sound nor style decides: smooth noise that the mapper turns into blinks, brows and head motion.

A mapper that answers the same sound with one motion can only give the mean of all that fit, and the mean of many head
motions is a head that hardly moves. Given noise as well, and trained by the energy score (erlnet.adf.energy), it gives
one of them. `WIDTH` channels of variance 1: white noise through first-order filters that remember .2, .5, 1 and 3 s,
because a head has slow sway and quick nods.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from scipy.signal import lfilter
from torch import Tensor

FPS = 25
MEMORIES = (0.2, 0.5, 1.0, 3.0)  # s
EACH = 4  # channels of each
WIDTH = EACH * len(MEMORIES)
_DECAYS = np.exp(-1 / (FPS * np.array(MEMORIES)))  # what is left of a value after a frame


class NoiseSource:
    """Noise frame by frame: the same values for the same seed, however many frames are taken at a time."""

    def __init__(self, seed: int):
        self._rng = np.random.default_rng(seed)
        self._last = self._rng.standard_normal(WIDTH)

    def take(self, frames: int) -> Float[Tensor, "T W"]:
        """The next `frames` >= 0 rows, float32."""
        decays = np.repeat(_DECAYS, EACH)
        drawn = self._rng.standard_normal((frames, WIDTH)) * np.sqrt(1 - decays**2)
        if not frames:
            return torch.zeros(0, WIDTH)
        rows = np.stack(
            [
                lfilter([1.0], [1.0, -d], column, zi=[d * last])[0]
                for d, column, last in zip(decays, drawn.T, self._last)
            ],
            axis=1,
        )
        self._last = rows[-1]
        return torch.from_numpy(rows).float()


def noise_windows(batch: int, frames: int) -> Float[Tensor, "B T W"]:
    """Independent stretches out of torch's own random numbers, for training."""
    steps = torch.arange(frames)
    back = steps[:, None] - steps  # from the frame of a row to the draw of a column
    pieces = []
    for decay, white in zip(_DECAYS.tolist(), torch.randn(batch, frames, WIDTH).split(EACH, dim=-1)):
        share = torch.where(back >= 0, decay ** back.clamp_min(0), 0.0)
        share[:, 1:] *= (1 - decay**2) ** 0.5  # the first draw is the state that a stretch begins with
        pieces.append(share @ white)
    return torch.cat(pieces, dim=-1)

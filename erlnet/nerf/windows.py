"""Training windows: which frame, and which square of its feature map."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

MOUTH, EYES = slice(48, 68), slice(36, 48)  # of the usual 68 points


class Windows(NamedTuple):
    """Squares of feature maps; rows and columns are of the top left corner, in feature px."""

    frame: Tensor  # (B,) int64
    row: Tensor  # (B,) int64
    column: Tensor  # (B,) int64
    size: tuple[int, int]  # (h,w) feature px

    def rows(self) -> Int[Tensor, "B h"]:
        return self.row[:, None] + torch.arange(self.size[0], device=self.row.device)

    def columns(self) -> Int[Tensor, "B w"]:
        return self.column[:, None] + torch.arange(self.size[1], device=self.row.device)

    def crop(self, images: Tensor, factor: int = 1) -> Tensor:
        """(N,...,H,W) at `factor` image px per feature px -> (B,...,h*factor,w*factor) of each window's frame."""
        h, w = self.size[0] * factor, self.size[1] * factor
        corners = zip(self.frame.tolist(), (self.row * factor).tolist(), (self.column * factor).tolist())
        return torch.stack([images[f, ..., r : r + h, c : c + w] for f, r, c in corners])


def whole(count: int, size: tuple[int, int]) -> Windows:
    """The whole feature map of `count` images."""
    zero = torch.zeros(count, dtype=torch.int64)
    return Windows(torch.arange(count), zero, zero, size)


def part_centres(landmarks: Float[Tensor, "N 68 2"], factor: int) -> Float[Tensor, "N 2 2"]:
    """(mouth, eyes) x (x,y) in feature px."""
    return torch.stack([landmarks[:, MOUTH].mean(1), landmarks[:, EYES].mean(1)], 1) / factor


def draw_windows(
    centres: Float[Tensor, "N 2 2"],
    frames: Int[Tensor, " M"],
    size: tuple[int, int],
    side: int,
    shares: tuple[int, int, int],
    generator: torch.Generator,
) -> Windows:
    """`shares` (mouth, eyes, anywhere) windows of `side`, each of a frame drawn from `frames`.

    Mouth and eye windows are shifted by up to a quarter of their side, so that borders do not always fall alike.
    """
    count = sum(shares)
    height, width = min(side, size[0]), min(side, size[1])
    frame = frames[torch.randint(len(frames), (count,), generator=generator)]
    place = torch.rand(count, 2, generator=generator)
    spread = torch.tensor([size[1] - width, size[0] - height])
    corner = (place * (spread + 1)).floor()
    half = torch.tensor([width, height]) / 2
    for part, (start, stop) in enumerate([(0, shares[0]), (shares[0], shares[0] + shares[1])]):
        middle = centres[frame[start:stop], part]
        corner[start:stop] = (middle - half + (place[start:stop] - 0.5) * half).round()
    corner = torch.minimum(corner.clamp_min(0), spread).long()
    return Windows(frame, corner[:, 1], corner[:, 0], (height, width))

"""Training windows: which frame, and which square of its feature map."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

MOUTH, EYES = slice(48, 68), slice(36, 48)  # of the usual 68 points
UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44], [41, 40, 47, 46]


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


class ByOpening(NamedTuple):
    """Frames in the order of how far the eyes are open, to be drawn evenly over that and not over time."""

    frames: Tensor  # (M,) int64
    opening: Tensor  # (M,) rising

    def draw(self, place: Float[Tensor, " K"]) -> Int[Tensor, " K"]:
        """For places in [0,1) between the least and the largest opening, the frames that are nearest to them."""
        low, high = self.opening[0], self.opening[-1]
        halfway = (self.opening[1:] + self.opening[:-1]) / 2
        return self.frames[torch.searchsorted(halfway, low + place * (high - low))]


def by_eye_opening(landmarks: Float[Tensor, "N 68 2"], frames: Int[Tensor, " M"]) -> ByOpening | None:
    """`frames` with known eyes, sorted; None where there are none, or where they are always open alike."""
    points = landmarks[frames]
    gap = (points[:, UPPER_LIDS] - points[:, LOWER_LIDS]).norm(dim=-1).mean(1)
    opening = gap / (points[:, 36:42].mean(1) - points[:, 42:48].mean(1)).norm(dim=-1)
    known = opening.isfinite()
    if not known.any() or opening[known].max() == opening[known].min():
        return None
    order = opening[known].argsort(stable=True)
    return ByOpening(frames[known][order], opening[known][order])


def draw_windows(
    centres: Float[Tensor, "N 2 2"],
    frames: Int[Tensor, " M"],
    size: tuple[int, int],
    side: int,
    shares: tuple[int, int, int],
    generator: torch.Generator,
    eyes: ByOpening | None = None,
) -> Windows:
    """`shares` (mouth, eyes, anywhere) windows of `side`, each of a frame drawn from `frames`.

    Mouth and eye windows are shifted by up to a quarter of their side, so that borders do not always fall alike. With
    `eyes`, half of the eye windows are drawn evenly over how far the eyes are open: a blink is one frame in a hundred,
    and drawn by time alone it is never learnt.
    """
    count = sum(shares)
    height, width = min(side, size[0]), min(side, size[1])
    frame = frames[torch.randint(len(frames), (count,), generator=generator)]
    if eyes is not None and shares[1]:
        chosen = slice(shares[0], shares[0] + shares[1])
        chance, opening = torch.rand(2, shares[1], generator=generator)
        frame[chosen] = torch.where(chance < 0.5, eyes.draw(opening), frame[chosen])
    place = torch.rand(count, 2, generator=generator)
    spread = torch.tensor([size[1] - width, size[0] - height])
    corner = (place * (spread + 1)).floor()
    half = torch.tensor([width, height]) / 2
    for part, (start, stop) in enumerate([(0, shares[0]), (shares[0], shares[0] + shares[1])]):
        middle = centres[frame[start:stop], part]
        corner[start:stop] = (middle - half + (place[start:stop] - 0.5) * half).round()
    corner = torch.minimum(corner.clamp_min(0), spread).long()
    return Windows(frame, corner[:, 1], corner[:, 0], (height, width))

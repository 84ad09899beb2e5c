"""`fusion=attention`: the two maps merged by windowed cross-attention, on top of the normalised rule."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.interfaces import FeatureMaps
from erlnet.nerf.fusion import Decode, coverage, fuse_features


def to_windows(maps: Float[Tensor, "B C h w"], side: int) -> Float[Tensor, "W N C"]:
    """Squares of `side` as rows of N = side^2 tokens, row by row; `h` and `w` are multiples of it."""
    windows = maps.unflatten(3, (-1, side)).unflatten(2, (-1, side))  # (B,C,rows,side,columns,side)
    return windows.permute(0, 2, 4, 3, 5, 1).flatten(0, 2).flatten(1, 2)


def from_windows(tokens: Float[Tensor, "W N C"], side: int, height: int, width: int) -> Float[Tensor, "B C h w"]:
    """Undoes `to_windows`."""
    windows = tokens.unflatten(1, (side, side)).unflatten(0, (-1, height // side, width // side))
    return windows.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)


class AttentionMerge(nn.Module):
    """F = M + A O(sum_j softmax_j(q k_j + p) v_j), M the normalised rule's map.

    Within windows of `side` x `side` feature px, counted from the map's upper left corner. Queries are made of
    (M, A_h, A_s); keys and values of every pixel of both branches, (F_b, A_b), each branch with weights of its own; p
    is learned for each head, branch and offset. A map that no window divides is filled up, and what was filled in is
    no key. O starts at zero, so training starts from the normalised rule; A leaves the plate alone where nobody is.
    """

    separate = False

    def __init__(self, channels: int, width: int, heads: int, side: int):
        super().__init__()
        self.heads, self.side = heads, side
        self.query = nn.Linear(channels + 2, width)
        self.head_tokens = nn.Linear(channels + 1, 2 * width)  # keys, values
        self.static_tokens = nn.Linear(channels + 1, 2 * width)
        self.out = nn.Linear(width, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.position = nn.Parameter(torch.zeros(heads, 2, (2 * side - 1) ** 2))
        row, column = torch.arange(side).repeat_interleave(side), torch.arange(side).repeat(side)
        down, right = row[:, None] - row + side - 1, column[:, None] - column + side - 1
        self.register_buffer("offset", down * (2 * side - 1) + right, persistent=False)  # (N,N)

    offset: Tensor

    def forward(self, head: FeatureMaps, static: FeatureMaps, plate: Tensor, decode: Decode) -> Tensor:
        return decode(self.merge(head, static, plate))

    def merge(self, head: FeatureMaps, static: FeatureMaps, plate: Tensor) -> Float[Tensor, "B C h w"]:
        merged = fuse_features(head, static, plate, "normalised")
        height, width = merged.shape[2:]
        pad = (0, -width % self.side, 0, -height % self.side)

        def tokens(*maps: Tensor) -> Tensor:
            return to_windows(F.pad(torch.cat(maps, 1), pad), self.side)

        query = self.query(tokens(merged, head.opacity, static.opacity))
        ahead = self.head_tokens(tokens(head.features, head.opacity))
        behind = self.static_tokens(tokens(static.features, static.opacity))
        key, value = torch.cat([ahead, behind], 1).chunk(2, -1)  # (W,2N,D)
        missing = None
        if any(pad):
            real = torch.ones_like(head.opacity)
            missing = (tokens(real) == 0)[:, None, :, 0].tile(1, 1, 2)  # (W,1,2N)
        seen = self.out(self.attend(query, key, value, missing))
        size = height + pad[3], width + pad[1]
        change = from_windows(seen, self.side, *size)[:, :, :height, :width]
        return merged + coverage(head.opacity, static.opacity, joint=False) * change

    def attend(self, query: Tensor, key: Tensor, value: Tensor, missing: Tensor | None) -> Float[Tensor, "W N D"]:
        """Softmax attention of each window's N queries over its 2N tokens."""
        q, k, v = (x.unflatten(2, (self.heads, -1)).transpose(1, 2) for x in (query, key, value))  # (W,heads,N,D/heads)
        position = self.position[:, :, self.offset].transpose(1, 2).flatten(2)  # (heads,N,2N)
        scores = q @ k.transpose(2, 3) * q.shape[3] ** -0.5 + position
        if missing is not None:
            scores = scores.masked_fill(missing[:, None], -torch.inf)
        return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)

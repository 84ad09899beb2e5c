"""Transformer layers whose attention sees a bounded stretch of time, so that length costs memory only linearly."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from erlnet.errors import UserError

CHUNK = 256  # frames that one pass computes where a sequence is longer


class LocalAttention(nn.Module):
    """Multi-head attention of frame t over the frames t - past .. t + future of a sequence of the same rate.

    A learned bias for each offset and head stands in for positions, so any length works.
    """

    def __init__(self, width: int, heads: int, past: int, future: int):
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is no multiple of {heads} heads")
        self.heads, self.past, self.future = heads, past, future
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.offset_bias = nn.Parameter(torch.zeros(heads, past + 1 + future))

    def forward(
        self,
        x: Float[Tensor, "B T C"],
        memory: Float[Tensor, "B T C"] | None = None,
        mask: Bool[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B T C"]:
        """Queries from `x`, keys and values from `memory` (itself where None); frames with mask False are not seen."""
        batch, length, width = x.shape
        query = self.query(x).view(batch, length, self.heads, -1).transpose(1, 2)  # (B, h, T, c)
        pair = self.key_value(x if memory is None else memory).view(batch, length, 2, self.heads, -1)
        key, value = pair.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + self._band(length)  # (B, h, T, T)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], -1e9)  # finite: a row may see no frame at all
        mixed = scores.softmax(-1) @ value
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))

    def _band(self, length: int) -> Float[Tensor, "h T T"]:
        """(h, query, key): the offset's bias inside the band, -1e9 outside.

        Row t is a slice of one long vector; slices, unlike an index, have a backward pass with a fixed order of sums.
        """
        left, right = length - 1 - self.past, length - 1 - self.future
        bias = F.pad(self.offset_bias, (max(left, 0), max(right, 0)), value=-1e9)
        bias = bias[:, max(-left, 0) : bias.shape[1] - max(-right, 0)]  # offsets -(T-1) .. T-1
        return bias.unfold(1, length, 1).flip(1)


class Block(nn.Module):
    """Pre-norm transformer block: local self-attention, then a feed-forward layer of `hidden` (2 width) units."""

    def __init__(self, width: int, heads: int, past: int, future: int, dropout: float = 0.0, hidden: int | None = None):
        super().__init__()
        self.norm_attention = nn.LayerNorm(width)
        self.attention = LocalAttention(width, heads, past, future)
        self.norm_feed_forward = nn.LayerNorm(width)
        self.feed_forward = feed_forward(width, dropout, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "B T C"], mask: Bool[Tensor, "B T"] | None = None) -> Float[Tensor, "B T C"]:
        x = x + self.dropout(self.attention(self.norm_attention(x), mask=mask))
        return x + self.dropout(self.feed_forward(self.norm_feed_forward(x)))


def feed_forward(width: int, dropout: float, hidden: int | None = None) -> nn.Sequential:
    """The two-layer perceptron of a transformer block."""
    hidden = 2 * width if hidden is None else hidden
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width))


def futures(lookahead: int, reach: int, layers: int, option: str) -> tuple[int, ...]:
    """How many frames ahead each of `layers` attentions in a row sees, so that all see `lookahead` ahead together.

    Spread evenly, the first layers see the more; none sees further than `reach`; -1 is as far as reach goes.
    UserError, naming `option`, where `lookahead` is below -1.
    """
    if lookahead < -1:
        raise UserError(f"{option}={lookahead}: give a number of frames, or -1 for as far as attention reaches")
    if lookahead == -1 or lookahead > reach * layers:
        return (reach,) * layers
    share, more = divmod(lookahead, layers)
    return tuple(share + (number < more) for number in range(layers))


def in_chunks(run: Callable[[Tensor], Tensor], x: Tensor, past: int, future: int) -> Tensor:
    """`run(x)` over axis 1 of (B,T,...), in stretches, where no output sees beyond `past` and `future` frames.

    The same values as in one pass, up to rounding, in memory that does not grow with T.
    """
    length = x.shape[1]
    if length <= CHUNK + past + future:
        return run(x)
    pieces = []
    for start in range(0, length, CHUNK):
        before = max(start - past, 0)
        piece = run(x[:, before : start + CHUNK + future])
        pieces.append(piece[:, start - before : start - before + CHUNK])
    return torch.cat(pieces, dim=1)

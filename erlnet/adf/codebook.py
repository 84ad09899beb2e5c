"""How much of a codebook is used, counted over an epoch, never over a batch."""

import math

import torch
from jaxtyping import Int64
from torch import Tensor

FPS = 25


def usage(indices: Int64[Tensor, "*N"], codes: int) -> float:
    """The share of `codes` that occur at all, in (0,1]."""
    return len(indices.unique()) / codes


def perplexity(indices: Int64[Tensor, "*N"]) -> float:
    """exp(entropy): the number of codes that, used evenly, would carry as much."""
    counts = indices.flatten().bincount().double()
    share = counts[counts > 0] / counts.sum()
    return float(torch.exp(-(share * share.log()).sum()))


def bits_per_second(codes: int, tokens: int) -> float:
    """The rate of `tokens` a frame out of `codes` each, at 25 fps, uncoded."""
    return FPS * tokens * math.log2(codes)

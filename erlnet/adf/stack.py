"""The transformer that codecs encode and decode with, and one of equal size to several others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

import torch
from jaxtyping import Float
from torch import Tensor, nn

from erlnet.adf.attention import Block, in_chunks


@dataclass(frozen=True)
class StackShape:
    width: int
    heads: int
    reach: int  # frames that a layer sees back
    futures: tuple[int, ...]  # frames that each layer sees ahead
    hidden: int  # units of the feed-forward layers


class Stack(nn.Module):
    """Linear layer, blocks of local attention, linear layer: (B,T,in) -> (B,T,out), in bounded memory for any T."""

    def __init__(self, width_in: int, width_out: int, shape: StackShape):
        super().__init__()
        self.past, self.future = shape.reach * len(shape.futures), sum(shape.futures)
        blocks = [Block(shape.width, shape.heads, shape.reach, future, hidden=shape.hidden) for future in shape.futures]
        self.layers = nn.Sequential(
            nn.Linear(width_in, shape.width), *blocks, nn.LayerNorm(shape.width), nn.Linear(shape.width, width_out)
        )

    def forward(self, x: Float[Tensor, "B T I"]) -> Float[Tensor, "B T O"]:
        return in_chunks(self.layers, x, self.past, self.future)


def parameters_of(module: nn.Module) -> int:
    """How many there are, trained or frozen."""
    return sum(p.numel() for p in module.parameters())


def joint_shape(width_in: int, width_out: int, shape: StackShape, apart: Sequence[tuple[int, int]]) -> StackShape:
    """The shape with which one stack has as many parameters as stacks of `shape` with these (in, out) together.

    The widest multiple of the heads that is not too many, then the feed-forward layers take up what is missing: they
    grow by about 2 width parameters a unit, so that fewer than 2 % remain for any stack of use.
    """
    wanted = sum(_size(*widths, shape) for widths in apart)
    joint = shape
    for width in count(shape.width, shape.heads):
        wider = replace(shape, width=width, hidden=2 * width)
        if _size(width_in, width_out, wider) > wanted:
            break
        joint = wider
    size = _size(width_in, width_out, joint)
    a_unit = _size(width_in, width_out, replace(joint, hidden=joint.hidden + 1)) - size
    return replace(joint, hidden=max(joint.hidden + round((wanted - size) / a_unit), 1))


def _size(width_in: int, width_out: int, shape: StackShape) -> int:
    with torch.device("meta"):
        return parameters_of(Stack(width_in, width_out, shape))

"""Places in code space -> distributions over codes -> the expected code.

A code is the likelier the nearer it lies to the place: alike codes share what is learned of them, where one logit a
code of its own fails on a few hundred frames. Decoded is the *expected* code, the mean of the codebook under that
distribution: where several shapes are plausible their mean comes out, and gradients reach the mapper through the frozen
decoder.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

SHARPNESS = (
    2.0  # log of the factor on squared distances, in units of the codebook's variance, that training starts from
)


class CodeHead(nn.Module):
    """Of K tokens, with the trained codec's codebooks."""

    codebooks: Tensor

    def __init__(self, codebooks: Float[Tensor, "K codes D"]):
        super().__init__()
        self.register_buffer("codebooks", codebooks.detach().clone())
        self.sharpness = nn.Parameter(torch.full((len(codebooks), 1), SHARPNESS))

    def logits(self, place: Float[Tensor, "B T K D"]) -> Float[Tensor, "B T K codes"]:
        """-sharpness |place - code|^2, with `place` counted from the codebook's centre in units of its sd."""
        centre, variance = self.codebooks.mean(1), self.codebooks.var(1).sum(-1, keepdim=True).clamp_min(1e-12)  # (K,D)
        codes = (self.codebooks - centre[:, None]) / variance.sqrt()[:, None]
        product = torch.einsum("btkd,kcd->btkc", place, codes)
        distance = place.square().sum(-1, keepdim=True) - 2 * product + codes.square().sum(-1)
        return -self.sharpness.exp() * distance

    def expected(self, logits: Float[Tensor, "B T K codes"]) -> Float[Tensor, "B T K D"]:
        """The mean code vector of each token under its distribution."""
        return torch.einsum("btkc,kcd->btkd", logits.softmax(-1), self.codebooks)

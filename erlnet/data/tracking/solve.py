"""The linear algebra of a Gauss-Newton step: many frames at once, never one after another in Python.

Smoothness ties a frame to its two neighbours on either side, so with frames in order the system is banded.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.linalg import cho_solve_banded, cholesky_banded
from torch import Tensor

_FROZEN = 1e12  # on the diagonal of an unknown that stands at its bound
_WINDOW, _OVERLAP = 512, 40  # frames solved at once, and how far a window looks beside itself: bounds memory


@dataclass(frozen=True)
class Smoothness:
    """Which frames follow one another, and how stiffly each unknown resists bending."""

    stiffness: Float[Tensor, " K"]  # 1 / variance of the second difference
    links: Float[Tensor, " U"]  # U = max(T - 2, 0): 1 where frames t, t+1, t+2 follow one another, else 0

    def gradient(self, values: Float[Tensor, "T K"]) -> Float[Tensor, "T K"]:
        """-D' S D x, D the second difference."""
        bend = (values[2:] - 2 * values[1:-1] + values[:-2]) * self.links[:, None] * self.stiffness
        out = torch.zeros_like(values)
        if len(values) > 2:
            out[:-2] -= bend
            out[1:-1] += 2 * bend
            out[2:] -= bend
        return out

    def between(self, start: int, stop: int) -> "Smoothness":
        return Smoothness(self.stiffness, self.links[start : max(stop - 2, start)])


def solve_each(
    hessian: Float[Tensor, "T K K"], right: Float[Tensor, "T K"], frozen: Bool[Tensor, "T K"]
) -> Float[Tensor, "T K"]:
    """H x = b for every frame on its own; frozen unknowns get 0."""
    factor = torch.linalg.cholesky(hessian + torch.diag_embed(frozen * _FROZEN))
    return torch.cholesky_solve((right * ~frozen)[..., None], factor)[..., 0]


@dataclass(frozen=True)
class Window:
    """Frames that are solved together, and which of them are kept: those at an inner edge lack their neighbours."""

    seen: slice
    kept: slice  # of all frames
    inside: slice  # the same, counted from the first one seen


def windows(n_frames: int) -> Iterator[Window]:
    for start in range(0, n_frames, _WINDOW):
        stop = min(start + _WINDOW, n_frames)
        first, last = max(start - _OVERLAP, 0), min(stop + _OVERLAP, n_frames)
        yield Window(slice(first, last), slice(start, stop), slice(start - first, stop - first))


def solve_smooth(
    hessian: Float[Tensor, "T K K"],
    right: Float[Tensor, "T K C"],
    smoothness: Smoothness,
    frozen: Bool[Tensor, "T K"],
) -> Float[Tensor, "T K C"]:
    """(H + D' S D) x = b over all frames for C right-hand sides; frozen unknowns get 0."""
    out = torch.empty_like(right)
    for window in windows(len(hessian)):
        at = window.seen
        part = solve_window(hessian[at], right[at], smoothness.between(at.start, at.stop), frozen[at])
        out[window.kept] = part[window.inside]
    return out


def solve_window(
    hessian: Float[Tensor, "T K K"],
    right: Float[Tensor, "T K C"],
    smoothness: Smoothness,
    frozen: Bool[Tensor, "T K"],
) -> Float[Tensor, "T K C"]:
    """`solve_smooth` for as many frames as memory holds: the whole band at once."""
    n_frames, k, n_right = right.shape
    blocks_in, held = hessian.cpu().numpy(), frozen.cpu().numpy()
    links, stiffness = smoothness.links.cpu().numpy(), smoothness.stiffness.cpu().numpy()
    band = np.zeros((2 * k + 1, n_frames * k))  # lower form: band[d, j] = A[j + d, j]
    blocks = band.reshape(2 * k + 1, n_frames, k)
    for d in range(k):
        column = np.arange(k - d)
        blocks[d, :, : k - d] = blocks_in[:, column + d, column]
    # A link adds [1 -2 1]' [1 -2 1] to its three frames.
    diagonal = np.zeros(n_frames)
    for place, share in ((0, 1.0), (1, 4.0), (2, 1.0)):
        diagonal[place : place + len(links)] += share * links
    first = np.zeros(n_frames)
    first[: len(links)] -= 2 * links
    first[1 : 1 + len(links)] -= 2 * links
    blocks[0] += diagonal[:, None] * stiffness + held * _FROZEN
    blocks[k] += first[:, None] * stiffness
    blocks[2 * k, : len(links)] += links[:, None] * stiffness
    factor = cholesky_banded(band, overwrite_ab=True, lower=True, check_finite=False)
    side = (right * ~frozen[..., None]).reshape(n_frames * k, n_right).cpu().numpy()
    solved = cho_solve_banded((factor, True), side, check_finite=False)
    return torch.from_numpy(solved).to(right).reshape(right.shape)

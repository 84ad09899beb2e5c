"""Motion at any frame rate -> 25 fps, band-limited.

Output frame t stands for time (t + 0.5) / 25 s, input frame i for (i + 0.5) / fps s. Each output is a weighted mean of
inputs: Lanczos' windowed sinc of three lobes, cut off at half of the lower rate. From 30 fps
and above, motion up to 7 Hz keeps its amplitude within 2 %; at 12.5 Hz half of it is left, and what is faster, which
25 fps cannot show, is damped more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from erlnet.data.clip import FPS

_LOBES = 3
_PART = 256  # outputs that are made at a time


@dataclass(frozen=True)
class Resampler:
    """Output t is the sum over k of weight[t,k] * input[source[t,k]]; weights of a row add up to 1."""

    source: np.ndarray  # (M,K) int
    weight: np.ndarray  # (M,K)

    @classmethod
    def of(cls, n_frames: int, fps: float) -> Resampler:
        """For inputs of `n_frames` at `fps`: as many outputs as begin and end within them."""
        n_out = int(n_frames * FPS / fps + 1e-6)
        if fps == FPS:
            return cls(np.arange(n_out)[:, None], np.ones((n_out, 1)))
        wide = max(1.0, fps / FPS)  # input frames to one zero of the sinc
        reach = int(np.ceil(_LOBES * wide))
        at = (np.arange(n_out) + 0.5) / FPS * fps - 0.5
        source = np.floor(at).astype(int)[:, None] + np.arange(1 - reach, reach + 1)
        away = (source - at[:, None]) / wide
        weight = np.sinc(away) * np.sinc(away / _LOBES) * (np.abs(away) < _LOBES)
        weight *= (source >= 0) & (source < n_frames)
        return cls(source.clip(0, n_frames - 1), weight / weight.sum(1, keepdims=True))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """(N,C) -> (M,C)."""
        # In parts: at 1000 fps 240 inputs are gathered for every output.
        parts = [slice(start, start + _PART) for start in range(0, max(len(self.source), 1), _PART)]
        return np.concatenate([np.einsum("tk,tkc->tc", self.weight[p], values[self.source[p]]) for p in parts])

    def turn(self, rotations: np.ndarray) -> np.ndarray:
        """(N,3,3) -> (M,3,3): the rotation nearest to the weighted mean of matrices."""
        mean = self(rotations.reshape(len(rotations), 9)).reshape(-1, 3, 3)
        left, _, right = np.linalg.svd(mean)
        left[..., -1] *= np.sign(np.linalg.det(left @ right))[:, None]
        return left @ right

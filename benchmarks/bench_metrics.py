"""Scores: frames per call as stated in the names; skimage's SSIM frame by frame stands beside ours."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from erlnet.metrics.ssim import ssim_map

FRAMES = 16


@pytest.fixture(scope="module")
def pair():
    generator = torch.Generator().manual_seed(0)
    reference = torch.randint(0, 256, (FRAMES, 3, 256, 256), dtype=torch.uint8, generator=generator)
    noise = torch.randint(-9, 10, reference.shape, generator=generator)
    return reference, (reference.int() + noise).clamp(0, 255).to(torch.uint8)


def bench_ssim_16_frames_256(benchmark, pair):
    with torch.inference_mode():
        value = benchmark(lambda: ssim_map(*pair, data_range=255))
    assert len(value) == FRAMES


def bench_ssim_16_frames_256_skimage(benchmark, pair):
    a, b = (x.permute(0, 2, 3, 1).numpy() for x in pair)

    def score():
        return [
            structural_similarity(x, y, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5,
                                  use_sample_covariance=False)
            for x, y in zip(a, b)
        ]  # fmt: skip

    assert len(benchmark.pedantic(score, rounds=3)) == FRAMES
    assert np.isfinite(score()).all()

"""The structural loss against an independent implementation."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from erlnet.nerf.losses import ssim_map, weighted_l1


def test_ssim_agrees_with_scikit_image():
    rng = np.random.default_rng(0)
    truth = rng.random((3, 24, 30)).astype(np.float32)
    image = (truth + 0.1 * rng.standard_normal(truth.shape)).clip(0, 1).astype(np.float32)
    _, full = structural_similarity(
        image, truth, channel_axis=0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        data_range=1, full=True,
    )  # fmt: skip
    ours = ssim_map(torch.from_numpy(image)[None], torch.from_numpy(truth)[None])[0].numpy()
    np.testing.assert_allclose(ours, full[:, 5:-5, 5:-5], atol=1e-4)


def test_equal_images_have_no_loss():
    image = torch.rand(2, 3, 12, 12)
    assert float(ssim_map(image, image).min()) == pytest.approx(1, abs=1e-5)
    assert float(weighted_l1(image, image, torch.ones(2, 1, 12, 12))) == 0


def test_l1_is_a_weighted_mean_over_pixels_and_colours():
    image, truth = torch.zeros(1, 3, 1, 2), torch.tensor([[[[0.2, 0.8]]] * 3]).view(1, 3, 1, 2)
    assert float(weighted_l1(image, truth, torch.tensor([[[[1.0, 3.0]]]]))) == pytest.approx((0.2 + 3 * 0.8) / 4)

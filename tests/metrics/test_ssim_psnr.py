import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import erlnet.metrics.ssim as ssim_module
from erlnet.metrics.image import psnr, squared_error_map
from erlnet.metrics.ssim import UNIFORM, ssim_map


def tensor(image: np.ndarray) -> torch.Tensor:
    """(H,W,3) -> (1,3,H,W)"""
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None]


def skimage_ssim(a: np.ndarray, b: np.ndarray, data_range: float = 255) -> float:
    return structural_similarity(
        a, b, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=data_range
    )


def portrait(size: int) -> np.ndarray:
    return astronaut()[:size, 100 : 100 + size]


DAMAGES = {
    "noise": lambda x: np.clip(x + np.random.default_rng(0).normal(0, 12, x.shape), 0, 255).astype(np.uint8),
    "shift": lambda x: np.roll(x, 1, axis=1),
    "dark": lambda x: (x // 2).astype(np.uint8),
    "negative": lambda x: 255 - x,
    "black": lambda x: np.zeros_like(x),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("size", [64, 257])
def test_ssim_is_scikit_images_gaussian_form(damage, size):
    image = portrait(size)
    other = DAMAGES[damage](image)
    ours = ssim_map(tensor(image), tensor(other), data_range=255.0).mean().item()
    assert ours == pytest.approx(skimage_ssim(image, other), abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(11, 40), width=st.integers(11, 40), seed=st.integers(0, 2**16),
    low=st.integers(0, 250), span=st.integers(1, 255),
)  # fmt: skip
def test_ssim_is_scikit_images_on_any_frames(height, width, seed, low, span):
    generator = np.random.default_rng(seed)
    a, b = (generator.integers(low, min(low + span, 256), (height, width, 3), dtype=np.uint8) for _ in range(2))
    # Single precision: of 11 x 11 px one value is left, and it alone may be off by 1.3e-5 (seen on dark noise).
    assert ssim_map(tensor(a), tensor(b), data_range=255.0).mean().item() == pytest.approx(skimage_ssim(a, b), abs=3e-5)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("size", [64, 257])
def test_the_uniform_window_is_scikit_images_default(damage, size):
    image = portrait(size)
    other = DAMAGES[damage](image)
    maps = ssim_map(tensor(image), tensor(other), data_range=255.0, window=UNIFORM)
    assert maps.shape == (1, size - 6, size - 6)
    theirs = structural_similarity(image, other, channel_axis=2, data_range=255)
    assert maps.mean().item() == pytest.approx(theirs, abs=1e-5)


def test_the_two_windows_tell_different_numbers():
    a, b = tensor(portrait(64)), tensor(DAMAGES["noise"](portrait(64)))
    gaussian, uniform = (ssim_map(a, b, data_range=255.0, **k).mean().item() for k in ({}, {"window": UNIFORM}))
    assert abs(gaussian - uniform) > 1e-3


def test_ssim_in_flat_bright_areas_keeps_its_digits():
    image = np.full((32, 32, 3), 250, np.uint8)
    other = image.copy()
    other[16:] = 251
    ours = ssim_map(tensor(image), tensor(other), data_range=255.0).mean().item()
    assert ours == pytest.approx(skimage_ssim(image, other), abs=1e-5)


def test_ssim_does_not_depend_on_how_frames_are_cut_into_blocks(monkeypatch):
    a, b = tensor(portrait(96)), tensor(DAMAGES["noise"](portrait(96)))
    whole = ssim_map(a, b, data_range=255.0)
    monkeypatch.setattr(ssim_module, "_BLOCK", 96 * 30)
    torch.testing.assert_close(ssim_map(a, b, data_range=255.0), whole)


def test_ssim_of_a_batch_is_that_of_its_frames():
    images = [portrait(48), portrait(48)[::-1], DAMAGES["noise"](portrait(48))]
    batch = torch.cat([tensor(x) for x in images])
    other = batch.roll(1, dims=0)
    singly = torch.cat([ssim_map(batch[i : i + 1], other[i : i + 1], data_range=255.0) for i in range(3)])
    torch.testing.assert_close(ssim_map(batch, other, data_range=255.0), singly)


def test_ssim_counts_only_pixels_with_a_full_window():
    a, b = tensor(portrait(40)), tensor(DAMAGES["dark"](portrait(40)))
    assert ssim_map(a, b, data_range=255.0).shape == (1, 30, 30)


def test_ssim_of_equal_frames_is_one_and_scale_follows_the_range():
    a, b = tensor(portrait(40)), tensor(DAMAGES["noise"](portrait(40)))
    torch.testing.assert_close(ssim_map(a, a, data_range=255.0), torch.ones(1, 30, 30))
    torch.testing.assert_close(
        ssim_map(a / 255, b / 255, data_range=1.0), ssim_map(a, b, data_range=255.0), atol=1e-5, rtol=0
    )
    wrong = ssim_map(a / 255, b / 255, data_range=255.0).mean()
    assert wrong > ssim_map(a, b, data_range=255.0).mean() + 0.05  # a wrong range flatters


def test_ssim_refuses_frames_that_do_not_match_or_are_too_small():
    with pytest.raises((ValueError, TypeError)):  # the second where shapes are checked against their annotations
        ssim_map(torch.zeros(1, 3, 20, 20), torch.zeros(1, 3, 20, 21), data_range=1.0)
    with pytest.raises(ValueError, match="at least 11 px"):
        ssim_map(torch.zeros(1, 3, 10, 20), torch.zeros(1, 3, 10, 20), data_range=1.0)
    with pytest.raises(ValueError, match="at least 7 px"):
        ssim_map(torch.zeros(1, 3, 6, 20), torch.zeros(1, 3, 6, 20), data_range=1.0, window=UNIFORM)


@pytest.mark.parametrize("damage", DAMAGES)
def test_psnr_is_scikit_images(damage):
    image = portrait(64)
    other = DAMAGES[damage](image)
    ours = psnr(squared_error_map(tensor(image), tensor(other)).mean(dim=(1, 2)), data_range=255.0)
    assert ours.item() == pytest.approx(peak_signal_noise_ratio(image, other, data_range=255.0), abs=1e-4)


def test_psnr_of_equal_frames_is_capped_at_100_dB_and_an_unknown_error_stays_unknown():
    image = tensor(portrait(32))
    assert psnr(squared_error_map(image, image).mean(dim=(1, 2)), data_range=255.0).item() == pytest.approx(100)
    assert psnr(torch.tensor([float("nan")]), data_range=1.0).isnan().all()


def test_an_error_of_a_tenth_of_the_range_reads_20_dB():
    assert psnr(torch.tensor([0.01]), data_range=1.0).item() == pytest.approx(20)

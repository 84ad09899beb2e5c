"""Training starts from the mean background, pixel for pixel."""

import pytest
import torch
from renderer_toys import bits

from erlnet.nerf.components import Bilinear, Cnn
from erlnet.nerf.model import plate_features
from erlnet.nerf.plate import fill, mean_background


def test_the_mean_background_takes_a_pixel_only_while_it_is_background():
    frames = torch.tensor([[10, 200], [30, 100]], dtype=torch.uint8).view(2, 1, 1, 2).expand(2, 3, 1, 2)
    regions = torch.tensor([[bits("background"), bits("head")], [bits("background"), bits("background")]]).byte()
    plate = mean_background(frames, regions.view(2, 1, 2))
    assert plate[0, 0, 0].tolist() == pytest.approx([20 / 255, 100 / 255])


def test_what_was_never_seen_is_filled_from_its_surroundings():
    total, count = torch.full((1, 3, 8, 8), 0.4), torch.ones(1, 1, 8, 8)
    total[..., 2:5, 2:5], count[..., 2:5, 2:5] = 0, 0
    assert torch.allclose(fill(total, count), torch.tensor(0.4), atol=1e-6)


def test_nothing_seen_at_all_is_grey():
    assert torch.allclose(fill(torch.zeros(1, 3, 5, 7), torch.zeros(1, 1, 5, 7)), torch.tensor(0.5))


@pytest.mark.parametrize(("factor", "channels"), [(2, 12), (4, 48), (4, 60), (8, 192)])
def test_an_untrained_upsampler_decodes_the_plate_to_the_very_image(factor, channels):
    image = torch.rand(1, 3, 16, 24)
    decode = Cnn(width=8).build(channels, factor)
    assert torch.allclose(decode(plate_features(image, factor, channels)), image, atol=1e-6)


def test_too_few_channels_decode_to_the_image_reduced_and_enlarged():
    image = torch.rand(1, 3, 16, 16)
    decoded = Cnn(width=8).build(48, 8)(plate_features(image, 8, 48))
    expected = torch.nn.functional.avg_pool2d(image, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(decoded, expected, atol=1e-6)


@pytest.mark.parametrize(("factor", "channels"), [(1, 3), (2, 12), (3, 27), (4, 48), (8, 48)])
def test_an_untrained_bilinear_decodes_the_plate_to_the_image_reduced_and_enlarged(factor, channels):
    image = torch.rand(1, 3, 3 * 2 * factor, 4 * 2 * factor)
    decoded = Bilinear().build(channels, factor)(plate_features(image, factor, channels))
    small = torch.nn.functional.avg_pool2d(image, factor)
    assert decoded.shape == image.shape
    at = [((2 * torch.arange(n * factor) + 1) / (2 * factor) - 0.5).clamp(0, n - 1) for n in small.shape[2:]]
    rows, columns = (torch.stack([1 - (a - k).abs() for k in range(n)]).clamp(0) for a, n in zip(at, small.shape[2:]))
    expected = torch.einsum("bcyx,yY,xX->bcYX", small, rows, columns)  # tents around the middles of feature pixels
    assert torch.allclose(decoded, expected, atol=1e-5)


def test_bilinear_is_linear_in_the_features():
    decode = Bilinear().build(12, 2)
    a, b = torch.rand(2, 1, 12, 5, 6)
    black = decode(torch.zeros_like(a))
    assert torch.allclose(decode(a + 2 * b) - black, decode(a) - black + 2 * (decode(b) - black), atol=1e-5)

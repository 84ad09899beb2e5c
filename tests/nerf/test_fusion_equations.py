"""Fusion by the equations of docs/architecture.md."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from erlnet.interfaces import FeatureMaps
from erlnet.nerf.components import Cnn
from erlnet.nerf.fusion import fuse_features
from erlnet.nerf.fusion_components import FeatureFusion, PixelFusion

UNIT = st.floats(0, 1)


def maps(features: float, opacity: float, shape=(1, 4, 2, 2)) -> FeatureMaps:
    """A branch with constant un-premultiplied features."""
    alpha = torch.full((shape[0], 1, *shape[2:]), opacity)
    return FeatureMaps(torch.full(shape, features) * alpha, alpha, alpha)


def test_over_by_hand():
    # F_h = .5 * 2, F_s = .4 * 3, A = 1 - .5 * .6 = .7: 1 + .5 * 1.2 + .3 * 10
    out = fuse_features(maps(2, 0.5), maps(3, 0.4), torch.full((1, 4, 2, 2), 10.0), "over")
    assert torch.allclose(out, torch.tensor(4.6))


def test_normalised_by_hand():
    # .7 * (1 + 1.2) / (.9 + .001) + .3 * 10
    out = fuse_features(maps(2, 0.5), maps(3, 0.4), torch.full((1, 4, 2, 2), 10.0), "normalised")
    assert torch.allclose(out, torch.tensor(0.7 * 2.2 / 0.901 + 3.0))


@given(UNIT, UNIT, st.sampled_from(["over", "normalised"]))
def test_equal_features_everywhere_stay_what_they_are(head, static, rule):
    out = fuse_features(maps(1, head), maps(1, static), torch.ones(1, 4, 2, 2), rule)
    assert torch.allclose(out, torch.ones(()), atol=3e-3 if rule == "normalised" else 1e-5)


@given(st.floats(0, 3), st.floats(0, 3), st.floats(0, 3), UNIT, UNIT)
def test_fused_features_stay_between_the_smallest_and_the_largest(f_head, f_static, f_plate, head, static):
    plate = torch.full((1, 4, 2, 2), f_plate)
    out = fuse_features(maps(f_head, head), maps(f_static, static), plate, "over")
    assert out.min() >= min(f_head, f_static, f_plate) - 1e-4
    assert out.max() <= max(f_head, f_static, f_plate) + 1e-4


def decode_blocks(features: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.interpolate(features[:, :3], scale_factor=4, mode="nearest")


def test_pixel_fusion_of_constant_features_plants_no_dark_fringe():
    fusion = PixelFusion().build(4, 4, Cnn())
    alpha = torch.linspace(0.02, 1, 16).expand(1, 1, 8, 16).contiguous()  # a soft edge from no head to all head
    head = FeatureMaps(torch.full((1, 4, 8, 16), 0.7) * alpha, alpha, alpha)
    static = maps(0.7, 1.0, (1, 4, 8, 16))
    image = fusion(head, static, torch.full((1, 4, 8, 16), 0.7), decode_blocks)
    assert image.min() > 0.7 - 2e-3  # premultiplied twice, it would be .7 * .75 at the middle of the edge
    assert image.max() < 0.7 + 2e-3


def test_pixel_fusion_of_a_hard_edge_plants_no_dark_fringe_either():
    fusion = PixelFusion().build(4, 4, Cnn())
    alpha = (torch.arange(16) > 7).float().expand(1, 1, 8, 16).contiguous()  # upsampled, it reaches half a px further
    head = FeatureMaps(torch.full((1, 4, 8, 16), 0.7) * alpha, alpha, alpha)
    image = fusion(head, maps(0.7, 0.5, (1, 4, 8, 16)), torch.full((1, 4, 8, 16), 0.7), decode_blocks)
    assert torch.allclose(image, torch.tensor(0.7), atol=1e-5)


def test_pixel_fusion_by_hand():
    fusion = PixelFusion().build(4, 4, Cnn())
    image = fusion(maps(2, 0.5), maps(3, 0.4), torch.full((1, 4, 2, 2), 10.0), decode_blocks)
    # I_s = 1.2 + .6 * 10, I_h = (1 + .001 I_s) / .501, half of each
    assert torch.allclose(image, torch.tensor(0.5 * 1.0072 / 0.501 + 0.5 * 7.2), atol=1e-4)


def test_both_pixel_layers_are_decoded_by_the_same_weights():
    upsampler = Cnn(width=8).build(4, 2)
    torch.nn.init.normal_(upsampler.last.weight)
    fusion = PixelFusion().build(4, 2, Cnn(width=8))
    static = maps(0.3, 1.0)
    head = FeatureMaps(static.features, static.opacity, static.depth)
    layers = fusion.layers(head, static, torch.zeros(1, 4, 2, 2), upsampler)
    assert torch.allclose(layers.head, layers.static, atol=1e-5)


def test_the_fusions_have_the_same_parameters_and_the_refiner_states_its_own():
    count = {
        name: sum(p.numel() for p in component.build(48, 4, Cnn()).parameters())
        for name, component in {
            "feature": FeatureFusion(),
            "over": FeatureFusion("over"),
            "pixel": PixelFusion(),
            "separate": PixelFusion("separate"),
            "refine": PixelFusion(refine=True),
        }.items()
    }
    assert count["feature"] == count["over"] == count["pixel"] == count["separate"] == 0
    upsampler = sum(p.numel() for p in Cnn().build(48, 4).parameters())
    assert count["refine"] == upsampler


def test_an_untrained_refiner_changes_nothing():
    head, static, plate = maps(0.2, 0.5), maps(0.3, 0.4), torch.full((1, 4, 2, 2), 0.1)
    plain = PixelFusion().build(4, 4, Cnn())(head, static, plate, decode_blocks)
    refined = PixelFusion(refine=True).build(4, 4, Cnn())(head, static, plate, decode_blocks)
    assert torch.allclose(plain, refined, atol=1e-6)


@pytest.mark.parametrize("rule", ["over", "normalised"])
def test_without_any_density_only_the_plate_is_left(rule):
    plate = torch.rand(1, 4, 2, 2)
    assert torch.equal(fuse_features(maps(5, 0), maps(7, 0), plate, rule), plate)

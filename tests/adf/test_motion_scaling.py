"""Stream statistics: what counts as noise, and what an error on a channel weighs."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from erlnet.adf.scaling import StreamScale, noise_share


def wave(hertz: float, length: int = 4000) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(length) / 25)[:, None]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_the_noise_share_is_the_noises_part_of_the_variance(share: float) -> None:
    noise = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0))
    stream = math.sqrt(2 * (1 - share)) * wave(1.3) + math.sqrt(share) * noise  # a sine of 1 has variance 1/2
    assert float(noise_share([stream])) == pytest.approx(share, abs=0.05)


def test_a_channel_that_stands_still_is_all_noise_and_short_clips_tell_nothing() -> None:
    assert float(noise_share([torch.full((50, 1), 3.0)])) == 1
    assert float(noise_share([torch.randn(4, 1), torch.randn(3, 1)])) == 0


def test_clips_are_not_joined_into_a_jump() -> None:
    flat_and_high = [wave(1.0, 500), wave(1.0, 500) + 100]
    assert float(noise_share(flat_and_high)) < 0.01


def test_weights_go_by_sd_within_a_group_and_alike_over_groups() -> None:
    """Groups (2,1): sds 3 : 1 share the first half as .375 : .125, the lone channel takes the other half."""
    stream = torch.cat([3 * wave(0.5), wave(0.7), 0.01 * wave(0.3)], dim=1)
    scale = StreamScale((2, 1))
    scale.fit([stream])
    torch.testing.assert_close(scale.weight, torch.tensor([0.375, 0.125, 0.5]), atol=2e-3, rtol=0)


def test_noise_and_stillness_weigh_next_to_nothing_but_never_nothing() -> None:
    noise = torch.randn(4000, 1, generator=torch.Generator().manual_seed(1))
    scale = StreamScale((3,))
    scale.fit([torch.cat([wave(1.0), 0.7 * noise, torch.zeros(4000, 1)], dim=1)])
    assert scale.weight[0] > 0.9
    assert torch.all(scale.weight[1:] > 0)
    assert scale.weight[1:].max() < 0.06


def test_a_channel_that_barely_moves_is_scaled_by_its_groups_sd() -> None:
    scale = StreamScale((2,))
    scale.fit([torch.cat([wave(1.0), 1e-4 * wave(0.8)], dim=1)])
    # sds .7071 and .00007: RMS over the group .5, of which a tenth is the floor
    torch.testing.assert_close(scale.scale, torch.tensor([0.7071, 0.05]), atol=1e-3, rtol=0)


def test_the_error_is_that_of_the_hand_calculation() -> None:
    """Weights 1/2 each; differences (1, 0) then (1, 2): values (1+0)/2, (1+4)/2, mean 1.5; step (0, 2): 4/2 = 2."""
    scale = StreamScale((2,))
    made = torch.tensor([[[1.0, 0.0], [1.0, 2.0]]])
    assert float(scale.error(made, torch.zeros(1, 2, 2))) == pytest.approx(3.5)
    assert float(scale.error(made[:, :1], torch.zeros(1, 1, 2))) == pytest.approx(0.5)


def test_a_group_that_stands_still_does_not_dilute_the_error() -> None:
    """Groups (2,3): without the second, the first one's channels share everything, and its errors count in full."""
    moving = torch.cat([wave(0.5), wave(0.7)], dim=1)
    scale, alone = StreamScale((2, 3)), StreamScale((2,))
    still = torch.full((4000, 3), 0.3)
    scale.fit([torch.cat([moving, still], dim=1)])
    alone.fit([moving])
    torch.testing.assert_close(scale.weight, torch.cat([alone.weight, torch.zeros(3)]))
    made = torch.cat([moving * 0.5, still + 1], dim=1)
    truth = torch.cat([moving, still], dim=1)
    torch.testing.assert_close(scale.square_error(made, truth), alone.square_error(moving * 0.5, moving))
    shown = scale.standardise(made)
    assert shown[:, 2:].abs().max() == 0, "what never moved in training does not blow up when it moves"
    torch.testing.assert_close(scale.restore(shown)[:, 2:], still)


def test_where_nothing_moves_all_groups_weigh_alike() -> None:
    scale = StreamScale((2, 2))
    scale.fit([torch.ones(20, 4)])
    torch.testing.assert_close(scale.weight, torch.full((4,), 0.25))
    assert torch.isfinite(scale.standardise(torch.ones(3, 4))).all()


@given(st.integers(0, 1000))
def test_restore_undoes_standardise(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    stream = torch.randn(20, 5, generator=generator) * 3 + 7
    scale = StreamScale((3, 2))
    scale.fit([stream])
    torch.testing.assert_close(scale.restore(scale.standardise(stream)), stream)
    assert float(scale.weight.sum()) == pytest.approx(1)

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
    """Weights 1/2 each, speeds 1 and 1/2, accelerations 1 and 2; differences (1, 0), (1, 2), (1, 0).

    Values: (1+0)/2, (1+4)/2, (1+0)/2, mean 3.5/3. Steps (0, 2) and (0, -2), in speeds (0, 4) and (0, -4): 16/2 = 8,
    times .1. The change of the steps (0, -4), in accelerations (0, -2): 4/2 = 2, times .02.
    """
    scale = StreamScale((2,))
    scale.speed.copy_(torch.tensor([1.0, 0.5]))
    scale.acceleration.copy_(torch.tensor([1.0, 2.0]))
    made, truth = torch.tensor([[[1.0, 0.0], [1.0, 2.0], [1.0, 0.0]]]), torch.zeros(1, 3, 2)
    assert float(scale.error(made, truth)) == pytest.approx(3.5 / 3 + 0.1 * 8 + 0.02 * 2)
    assert float(scale.error(made[:, :2], truth[:, :2])) == pytest.approx(1.5 + 0.1 * 8)
    assert float(scale.error(made[:, :1], truth[:, :1])) == pytest.approx(0.5)


def test_velocities_and_accelerations_are_measured_in_their_training_size() -> None:
    """Of a sine of f Hz, w = 2 pi f / 25 a frame: changes of RMS 2 sin(w/2), and of these again, in its sd."""
    scale = StreamScale((2,))
    scale.fit([torch.cat([0.3 * wave(0.5), 0.3 * wave(2.0)], dim=1)])
    step = torch.tensor([2 * math.sin(math.pi * hertz / 25) for hertz in (0.5, 2.0)])
    torch.testing.assert_close(scale.speed, step, rtol=1e-3, atol=0)
    floor = 0.1 * float((step**4).mean().sqrt())  # a tenth of the group's RMS: the slow one's own is less
    torch.testing.assert_close(scale.acceleration, (step**2).clamp_min(floor), rtol=2e-3, atol=0)
    assert step[0] ** 2 < floor < step[1] ** 2


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

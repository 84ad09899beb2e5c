"""The energy score against numbers by hand and a plain loop, and that only the true law scores lowest."""

import math

import numpy as np
import pytest
import torch

from erlnet.adf.energy import energy_score
from erlnet.adf.noise import noise_windows
from erlnet.adf.scaling import StreamScale


def line(*values: float) -> torch.Tensor:
    """(1,T,1)"""
    return torch.tensor(values)[None, :, None]


def test_one_frame_by_hand() -> None:
    """|3 - 0| + |1 - 0| - |3 - 1| = 2, halved; the same at every span, and there is no velocity."""
    assert float(energy_score(StreamScale((1,)), line(3), line(1), line(0))) == pytest.approx(1, abs=1e-5)


def test_two_frames_by_hand() -> None:
    """Values: frame by frame 3.5 + 1.5 - 2 = 3; as one stretch, where 16 and 64 frames are not there,
    sqrt(25/2) + sqrt(9/2) - sqrt(16/2) = 4/sqrt 2. Velocities 4, 0, -3 in units of 2: 3.5 + 1.5 - 2 = 3.
    """
    scale = StreamScale((1,))
    scale.speed.fill_(2)
    expected = (3 + 2 * 4 / math.sqrt(2)) / 2 / 3 + 3 / 2
    score = energy_score(scale, line(0, 4), line(0, 0), line(3, 0))
    assert float(score) == pytest.approx(expected, abs=1e-3)  # the root's own 1e-3 at a difference of 0


def by_loop(scale: StreamScale, one: np.ndarray, other: np.ndarray, truth: np.ndarray) -> float:
    """From the definition, group by group and stretch by stretch."""
    weight, begin, total = scale.weight.double().numpy(), 0, 0.0
    for width in scale.groups:
        share = weight[begin : begin + width].sum()
        own = np.zeros(len(weight))
        own[begin : begin + width] = weight[begin : begin + width] / share
        total += share * of_group(scale, own, one, other, truth)
        begin += width
    return total


def of_group(scale: StreamScale, weight: np.ndarray, one: np.ndarray, other: np.ndarray, truth: np.ndarray) -> float:
    units = (np.ones(len(weight)), scale.speed.double().numpy(), scale.acceleration.double().numpy())
    total = 0.0
    for order, importance in enumerate((1.0, 1.0, 0.3)):
        streams = [np.diff(x, n=order, axis=1) / units[order] for x in (one, other, truth)]
        frames = streams[0].shape[1]
        for span in (min(s, frames) for s in (1, 16, 64)):
            for sign, (p, q) in ((1, (0, 2)), (1, (1, 2)), (-1, (0, 1))):
                distances = []
                for clip in range(len(one)):
                    for start in range(0, frames - span + 1, span):
                        apart = (streams[p] - streams[q])[clip, start : start + span]
                        distances.append(math.sqrt((apart**2 * weight).sum() / span))
                total += importance * sign * float(np.mean(distances)) / 2 / 3
    return total


@pytest.mark.parametrize("frames", [3, 16, 40, 70, 150])
def test_the_score_is_that_of_a_loop_over_stretches(frames: int) -> None:
    generator = torch.Generator().manual_seed(frames)
    scale = StreamScale((2, 1))
    scale.weight.copy_(torch.tensor([0.4, 0.1, 0.5]))
    scale.speed.copy_(torch.tensor([0.2, 0.5, 1.5]))
    scale.acceleration.copy_(torch.tensor([0.1, 0.7, 2.0]))
    motions = [torch.randn(2, frames, 3, generator=generator) for _ in range(3)]
    expected = by_loop(scale, *(m.double().numpy() for m in motions))
    assert float(energy_score(scale, *motions)) == pytest.approx(expected, rel=1e-4)
    assert float(energy_score(scale, motions[1], motions[0], motions[2])) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 3, 20, 65])
def test_where_all_are_the_same_the_score_is_0_and_so_is_its_slope(frames: int) -> None:
    """Up to the 1e-3 that keeps the root's slope finite: half of it for values, velocities and .3 of accelerations."""
    motion = torch.randn(2, frames, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    score = energy_score(StreamScale((3,)), motion, motion.detach().clone(), motion.detach().clone())
    assert 0 <= score.item() < 1.2e-3
    score.backward()
    assert motion.grad.abs().max() == 0


def mean_score(made: tuple[torch.Tensor, torch.Tensor], truth: torch.Tensor, scale: StreamScale) -> float:
    return float(energy_score(scale, *made, truth))


@pytest.fixture(scope="module")
def law():
    """(scale, truths, two generated motions of the same law), four independent channels that remember .5 s."""
    torch.manual_seed(0)
    truth, one, other = (noise_windows(3000, 48)[..., 4:8] for _ in range(3))
    scale = StreamScale((4,))
    scale.fit(list(truth[:500]))
    return scale, truth, one, other


def test_the_true_spread_scores_lower_than_the_mean_and_than_any_other(law) -> None:
    scale, truth, one, other = law
    spreads = [0.0, 0.5, 0.8, 1.0, 1.25, 2.0]
    scores = [mean_score((s * one, s * other), truth, scale) for s in spreads]
    assert spreads[int(np.argmin(scores))] == 1
    assert scores[0] > 1.1 * scores[3]
    assert scores[-1] > 1.1 * scores[3]


def test_a_tremble_or_a_stiffness_of_the_true_spread_scores_higher_than_the_true_law(law) -> None:
    scale, truth, one, other = law
    trembling = [torch.randn(truth.shape) for _ in range(2)]
    stiff = [noise_windows(len(truth), truth.shape[1])[..., 12:16] for _ in range(2)]  # that remember 3 s
    true = mean_score((one, other), truth, scale)
    assert mean_score((trembling[0], trembling[1]), truth, scale) > 1.1 * true
    assert mean_score((stiff[0], stiff[1]), truth, scale) > 1.05 * true


def test_what_the_input_decides_must_be_followed(law) -> None:
    """The right law in the wrong place, that is of other clips, scores higher than what goes with the clip."""
    scale, truth, one, other = law
    cause = noise_windows(len(truth), truth.shape[1])[..., 4:8]
    right = mean_score((cause + one, cause + other), cause + truth, scale)
    wrong = mean_score((cause.roll(1, 0) + one, cause.roll(1, 0) + other), cause + truth, scale)
    assert right < 0.95 * wrong

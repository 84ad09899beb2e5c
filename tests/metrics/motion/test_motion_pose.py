"""Head-pose realism: closed forms, an independent matrix root, and what an interval by clip is worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from motion_makers import toy_motion
from scipy.linalg import sqrtm

from erlnet.metrics.motion.jackknife import pseudo_values
from erlnet.metrics.motion.pose import (
    diversity_by_clip,
    frechet,
    pose_diversity,
    pose_frechet,
    posture,
    posture_scale,
    velocity,
    velocity_scale,
)


def gaussian(seed: int, dims: int = 6):
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(dims, dims))
    return rng.normal(size=dims), half @ half.T


@given(st.integers(0, 1000))
def test_the_distance_is_that_of_the_general_matrix_root_and_symmetric(seed):
    (m, c), (m2, c2) = gaussian(seed), gaussian(seed + 1)
    expected = ((m - m2) ** 2).sum() + np.trace(c + c2 - 2 * np.real(sqrtm(c @ c2)))
    assert frechet(m, c, m2, c2) == pytest.approx(expected, rel=1e-5)
    assert frechet(m2, c2, m, c) == pytest.approx(expected, rel=1e-5)
    assert frechet(m, c, m, c) == pytest.approx(0, abs=1e-6)


def test_between_diagonal_gaussians_it_is_the_distance_of_means_and_sds():
    a, b = np.array([1.0, 2.0, 0.0]), np.array([3.0, 0.5, 1.0])
    m, m2 = np.array([0.0, 1.0, 0.0]), np.array([2.0, 1.0, -1.0])
    expected = 5 + ((a - b) ** 2).sum()  # one sd is 0: the root must not mind
    assert frechet(m, np.diag(a**2), m2, np.diag(b**2)) == pytest.approx(expected)


def test_velocity_has_degrees_and_millimetres_a_frame():
    pose = np.zeros((3, 6))
    pose[:, 0], pose[:, 5] = np.deg2rad([0, 1, 3]), [0.0, 0.002, 0.001]
    assert np.allclose(velocity(pose), [[1, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, -1]])


@pytest.fixture(scope="module")
def poses():
    return [toy_motion(i, 100).pose for i in range(12)]


def test_real_against_itself_is_zero_and_a_head_at_half_speed_is_a_quarter_of_its_variance_off(poses):
    scale = velocity_scale(poses)
    assert pose_frechet(poses, poses, scale).distance == pytest.approx(0, abs=1e-6)
    half = [np.r_["1", p[:, :3] / 2, p[:, 3:] / 2] for p in poses]
    result = pose_frechet(poses, half, scale)
    # Six channels of sd 1 and about 1/2: 6 x (1/2)^2, turns composing a little differently.
    assert result.distance == pytest.approx(1.5, rel=0.02)
    assert result.frames == (99 * 12, 99 * 12)


def test_a_still_head_is_six_variances_off(poses):
    result = pose_frechet(poses, [np.zeros((100, 6)) for _ in poses], velocity_scale(poses))
    assert result.distance == pytest.approx(6, rel=0.02)


def test_too_few_frames_have_no_distance(poses):
    result = pose_frechet([poses[0][:50]] * 2, [poses[1][:50]] * 2, velocity_scale(poses))
    assert result.distance is None
    assert result.by_clip is None


def test_a_scale_needs_heads_that_move(poses):
    with pytest.raises(ValueError, match="never moves"):
        velocity_scale([np.zeros((50, 6))])
    assert velocity_scale(poses).shape == (6,)


def test_values_by_clip_of_a_mean_are_the_clips_own():
    own = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    assert np.allclose(pseudo_values(5, lambda left: float(own[list(left)].mean())), own)


def test_values_by_clip_take_the_bias_out_of_a_variance():
    x = np.random.default_rng(0).normal(size=8)
    values = pseudo_values(8, lambda left: float(x[list(left)].var()))
    assert np.mean(values) == pytest.approx(x.var(ddof=1))  # the jackknife's textbook case


def test_values_by_clip_need_three_clips_and_a_value_without_each():
    assert pseudo_values(2, lambda left: 1.0) is None
    assert pseudo_values(4, lambda left: None if 0 not in left else 1.0) is None


def test_intervals_from_values_by_clip_cover_the_true_distance():
    """60 sets of 12 clips against a head at half speed, where the distance of endless sets is known: 1.5."""
    train = [toy_motion(1000 + i, 100).pose for i in range(200)]
    scale, covered = velocity_scale(train), 0
    for study in range(60):
        real = [toy_motion(5000 + 24 * study + i, 60).pose for i in range(12)]
        made = [toy_motion(5012 + 24 * study + i, 60).pose / 2 for i in range(12)]
        values = np.array(pose_frechet(real, made, scale).by_clip)
        half = 2.201 * values.std(ddof=1) / np.sqrt(12)  # Student's t, 11 degrees of freedom
        covered += abs(values.mean() - 1.5) < half
    assert 52 <= covered <= 60  # 95 % of 60 is 57; binomial sd 1.7


def test_clips_at_half_the_distance_from_each_other_are_half_as_diverse(poses):
    scale = posture_scale(poses)
    middle = np.mean([posture(p) for p in poses], axis=0)
    mean, sd = middle[:6], middle[6:]
    made = []
    for p in poses:
        own = posture(p)
        wanted_mean, wanted_sd = (own[:6] + mean) / 2, (own[6:] + sd) / 2
        made.append((p - own[:6]) / own[6:] * wanted_sd + wanted_mean)
    assert pose_diversity(poses, poses, scale) == pytest.approx(1)
    assert pose_diversity(poses, made, scale) == pytest.approx(0.5)
    assert pose_diversity(poses, [poses[0]] * 12, scale) == 0
    assert pose_diversity(poses[:1], made, scale) is None


def test_diversity_by_clip_is_the_jackknife_of_the_sets_to_the_bit(poses):
    made = [pose * (1 + i % 3) / 2 for i, pose in enumerate(poses)]
    scale = posture_scale(poses)
    expected = pseudo_values(
        len(poses), lambda kept: pose_diversity([poses[i] for i in kept], [made[i] for i in kept], scale)
    )
    assert diversity_by_clip(poses, made, scale) == expected
    assert diversity_by_clip(poses[:2], made[:2], scale) is None
    assert diversity_by_clip([poses[0]] * 3, made[:3], scale) is None  # the real ones do not differ

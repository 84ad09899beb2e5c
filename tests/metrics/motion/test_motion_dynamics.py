import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from motion_makers import toy_motion, wander
from scipy.spatial.transform import Rotation

from erlnet.metrics.motion.dynamics import (
    head_jitter_ratio,
    head_range_ratio,
    head_speed_ratio,
    lip_jitter_ratio,
    lip_speed_ratio,
    opening_range_ratio,
    turns,
)


def lips(seed: int = 0, frames: int = 400) -> np.ndarray:
    """(T,10,3) mm, smooth."""
    return wander(np.random.default_rng(seed), frames, 30, 0.95).reshape(frames, 10, 3) * 3


def third_difference_rms(x: np.ndarray) -> float:
    third = x[3:] - 3 * x[2:-1] + 3 * x[1:-2] - x[:-3]
    return float(np.sqrt(np.mean(np.sum(third**2, -1))))


@pytest.mark.parametrize("size", [0.1, 0.5, 2.0])
def test_white_jitter_of_known_size_reads_what_theory_says(size):
    """White noise of sd s has third differences of variance (1 + 9 + 9 + 1) s^2 a coordinate."""
    reference = lips()
    made = reference + np.random.default_rng(1).normal(0, size, reference.shape)
    expected = np.sqrt(1 + 60 * size**2 / third_difference_rms(reference) ** 2)
    assert lip_jitter_ratio(reference, made) == pytest.approx(expected, rel=0.03)


def test_white_jitter_of_the_head_reads_what_theory_says():
    pose = toy_motion(0, 2000).pose
    pose[:, :3] *= 0.2  # small angles, where axis-angle vectors add
    made = pose.copy()
    made[:, :3] += np.deg2rad(np.random.default_rng(1).normal(0, 0.3, (2000, 3)))
    expected = np.sqrt(1 + 60 * 0.3**2 / third_difference_rms(np.rad2deg(pose[:, :3])) ** 2)
    assert head_jitter_ratio(pose, made) == pytest.approx(expected, rel=0.05)


def test_motion_at_half_the_size_reads_a_half_everywhere():
    reference = lips()
    assert lip_speed_ratio(reference, reference / 2) == pytest.approx(0.5)
    assert lip_jitter_ratio(reference, reference / 2) == pytest.approx(0.5)
    assert opening_range_ratio(reference[:, 0, 0], reference[:, 0, 0] / 2) == pytest.approx(0.5)
    pose = toy_motion(0, 300).pose
    pose[:, 1:3] = 0  # about one axis, so that half the vector is half the way
    half = np.r_["1", pose[:, :3] / 2, pose[:, 3:]]
    assert head_speed_ratio(pose, half) == pytest.approx(0.5)
    assert head_range_ratio(pose, half) == pytest.approx(0.5)


def test_the_head_turns_by_hand():
    pose = np.zeros((3, 6))
    pose[:, 1] = np.deg2rad([0, 2, 5])
    assert np.allclose(turns(pose), [[0, 2, 0], [0, 3, 0]])


@given(st.integers(0, 500))
def test_which_way_the_torso_faces_does_not_count(seed):
    a, b = toy_motion(seed, 30).pose, toy_motion(seed + 1, 30).pose
    whole = Rotation.from_rotvec(np.random.default_rng(seed).normal(size=3))
    turned = [np.r_["1", (whole * Rotation.from_rotvec(p[:, :3])).as_rotvec(), p[:, 3:]] for p in (a, b)]
    for ratio in (head_jitter_ratio, head_speed_ratio, head_range_ratio):
        assert ratio(*turned) == pytest.approx(ratio(a, b))


def test_there_is_no_ratio_to_a_reference_that_stands_still():
    still, pose = np.ones((50, 4, 3)), np.zeros((50, 6))
    for ratio in (lip_jitter_ratio, lip_speed_ratio):
        assert ratio(still, lips(0, 50)[:, :4]) is None
        assert ratio(lips(0, 50)[:, :4], still) == 0
    for ratio in (head_jitter_ratio, head_speed_ratio, head_range_ratio):
        assert ratio(pose, toy_motion(0, 50).pose) is None
    assert opening_range_ratio(np.ones(50), np.arange(50.0)) is None


def test_one_frame_has_no_dynamics():
    assert lip_speed_ratio(lips(0, 1), lips(1, 1)) is None
    assert head_jitter_ratio(toy_motion(0, 1).pose, toy_motion(1, 1).pose) is None

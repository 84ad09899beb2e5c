import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from motion_makers import toy_motion
from scipy.spatial.transform import Rotation

from erlnet.metrics.motion.errors import (
    expression_error,
    jaw_error,
    lip_vertex_error,
    lip_vertex_error_mean,
    pose_error,
    translation_error,
    upper_face_dynamics,
)


def test_the_worst_lip_vertex_of_each_frame_and_the_mean_of_all_by_hand():
    reference, made = np.zeros((2, 3, 3)), np.zeros((2, 3, 3))
    made[0, 0] = [3, 4, 0]  # frame 0: 5, 0, 2 mm
    made[0, 2] = [0, 0, 2]
    made[1, 1] = [0, 1, 0]  # frame 1: 0, 1, 0 mm
    assert lip_vertex_error(reference, made) == pytest.approx((5 + 1) / 2)
    assert lip_vertex_error_mean(reference, made) == pytest.approx(8 / 6)


def test_a_stiller_upper_face_reads_negative_and_the_size_is_that_of_the_spread():
    reference = np.array([[0.0, 1.0], [2.0, 1.0]])  # mm; sd 1 and 0
    assert upper_face_dynamics(reference, reference) == 0
    assert upper_face_dynamics(reference, np.ones((2, 2))) == pytest.approx(-0.5)
    assert upper_face_dynamics(reference, 3 * reference) == pytest.approx(1.0)
    assert upper_face_dynamics(reference, reference + 7) == pytest.approx(0)  # a set face is not a lively one


def test_expression_is_compared_coefficient_by_coefficient():
    assert expression_error(np.zeros((2, 2)), np.array([[0.1, -0.3], [0.0, 0.2]])) == pytest.approx(0.15)


def test_a_jaw_opened_by_ten_degrees_is_ten_degrees_off():
    jaw = np.deg2rad([[20.0, 0, 0], [5.0, 0, 0]])
    assert jaw_error(jaw, jaw + np.deg2rad([10.0, 0, 0])) == pytest.approx(10)


@given(st.integers(0, 1000), st.floats(0, 170))
def test_pose_error_is_the_angle_between_heads_whatever_way_both_are_turned(seed, degrees):
    rng = np.random.default_rng(seed)
    pose = toy_motion(seed, 5).pose
    axis = rng.normal(size=3)
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * np.deg2rad(degrees))
    made = pose.copy()
    made[:, :3] = (Rotation.from_rotvec(pose[:, :3]) * turn).as_rotvec()
    assert pose_error(pose, made) == pytest.approx(degrees, abs=1e-5)
    assert pose_error(made, pose) == pytest.approx(degrees, abs=1e-5)
    both = [p.copy() for p in (pose, made)]
    whole = Rotation.from_rotvec(rng.normal(size=3))
    for p in both:
        p[:, :3] = (whole * Rotation.from_rotvec(p[:, :3])).as_rotvec()
    assert pose_error(*both) == pytest.approx(degrees, abs=1e-5)


def test_a_head_put_three_and_four_millimetres_off_is_five_off():
    pose = toy_motion(1).pose
    made = pose + np.r_[np.zeros(3), 0.003, 0.0, -0.004]
    assert translation_error(pose, made) == pytest.approx(5)
    assert pose_error(pose, made) == pytest.approx(0, abs=1e-6)

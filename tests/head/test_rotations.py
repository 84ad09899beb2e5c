import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from erlnet.head.rotations import axis_angle_from_matrix, matrix_from_axis_angle, rigid, skew

unit = st.floats(-1, 1, allow_nan=False)
scales = st.sampled_from([0.0, 1e-12, 1e-6, 1e-4, 1e-3, 0.1, 1.0, 1.8])
vectors = st.builds(lambda x, y, z, s: np.array([x, y, z]) * s, unit, unit, unit, scales)


@given(vectors)
@settings(deadline=None)
def test_matrix_agrees_with_scipy(vector):
    ours = matrix_from_axis_angle(torch.tensor(vector))
    np.testing.assert_allclose(ours.numpy(), Rotation.from_rotvec(vector).as_matrix(), atol=1e-12)


@given(vectors)
@settings(deadline=None)
def test_axis_angle_agrees_with_scipy(vector):
    rotation = Rotation.from_rotvec(vector)
    ours = axis_angle_from_matrix(torch.tensor(rotation.as_matrix()))
    back = Rotation.from_rotvec(ours.numpy())
    assert (back.inv() * rotation).magnitude() < 1e-7
    assert np.linalg.norm(ours.numpy()) <= np.pi + 1e-7


@pytest.mark.parametrize("axis", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [-1, 2, 3]])
@pytest.mark.parametrize("angle", [np.pi, np.pi - 1e-6, 3.0])
def test_half_turns_come_back(axis, angle):
    rotation = Rotation.from_rotvec(np.array(axis) / np.linalg.norm(axis) * angle)
    ours = axis_angle_from_matrix(torch.tensor(rotation.as_matrix()))
    assert (Rotation.from_rotvec(ours.numpy()).inv() * rotation).magnitude() < 1e-7


@given(vectors)
@settings(deadline=None, max_examples=25)
def test_round_trip_has_the_gradient_of_the_identity_below_a_half_turn(vector):
    start = torch.tensor(vector)
    jacobian = torch.autograd.functional.jacobian(lambda v: axis_angle_from_matrix(matrix_from_axis_angle(v)), start)
    if np.linalg.norm(vector) < 3:
        torch.testing.assert_close(jacobian, torch.eye(3, dtype=torch.float64), atol=1e-5, rtol=0)


def test_gradient_at_zero_is_the_generator():
    jacobian = torch.autograd.functional.jacobian(matrix_from_axis_angle, torch.zeros(3, dtype=torch.float64))
    basis = torch.eye(3, dtype=torch.float64)
    for k in range(3):
        torch.testing.assert_close(jacobian[:, :, k], skew(basis[k]))


@given(vectors, vectors)
@settings(deadline=None, max_examples=25)
def test_rigid_turns_then_shifts(rotation, translation):
    transform = rigid(torch.tensor(rotation), torch.tensor(translation)).numpy()
    point = np.array([0.3, -0.2, 0.5])
    expected = Rotation.from_rotvec(rotation).apply(point) + translation
    np.testing.assert_allclose((transform @ np.append(point, 1))[:3], expected, atol=1e-12)
    np.testing.assert_array_equal(transform[3], [0, 0, 0, 1])

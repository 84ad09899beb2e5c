"""Rays, frames and boxes against hand numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from erlnet.nerf.cameras import Pinhole, Rays, camera_rays, cross_box, invert_rigid, pose_vector, project, rays_in_frame

CAMERA = Pinhole(fx=100.0, fy=120.0, cx=32.0, cy=24.0, height=48, width=64)


def rigid(rotation_axis_angle, translation) -> torch.Tensor:
    out = torch.eye(4, dtype=torch.float64)
    out[:3, :3] = torch.from_numpy(Rotation.from_rotvec(rotation_axis_angle).as_matrix())
    out[:3, 3] = torch.tensor(translation, dtype=torch.float64)
    return out.float()


def test_a_point_projects_to_its_hand_computed_pixel_and_its_ray_leads_back():
    point = torch.tensor([[0.1, -0.05, 2.0]])
    pixel = project(CAMERA, point)
    assert torch.allclose(pixel, torch.tensor([[37.0, 21.0]]))  # 32 + 100 * .1 / 2, 24 - 120 * .05 / 2
    rays = camera_rays(CAMERA, pixel[:, :1], pixel[:, 1:])
    assert torch.allclose(rays.origins[0, 0] + 2.0 * rays.directions[0, 0], point[0])


def test_moving_the_head_is_moving_the_camera_inversely():
    head_to_world = rigid([0.2, -0.4, 0.1], [0.05, 0.02, 1.0])
    in_head = torch.tensor([0.03, 0.08, 0.1])
    in_world = head_to_world[:3, :3] @ in_head + head_to_world[:3, 3]
    pixel = project(CAMERA, in_world[None])
    world = camera_rays(CAMERA, pixel[:, :1], pixel[:, 1:])
    rays = rays_in_frame(world, head_to_world[None])
    # the ray of the pixel where the point is seen passes through the point, in the head's frame, at the same depth
    assert torch.allclose(rays.origins[0, 0] + in_world[2] * rays.directions[0, 0], in_head, atol=1e-5)
    assert torch.allclose(rays.directions.norm(dim=-1), world.directions.norm(dim=-1), atol=1e-5)


def test_a_frame_without_motion_leaves_rays_alone():
    rays = camera_rays(CAMERA, torch.tensor([[3.0]]), torch.tensor([[4.0]]))
    same = rays_in_frame(rays, torch.eye(4)[None])
    assert torch.equal(same.origins, rays.origins)
    assert torch.equal(same.directions, rays.directions)


@given(st.tuples(*[st.floats(-1.2, 1.2)] * 3), st.tuples(*[st.floats(-2, 2)] * 3))
def test_pose_vector_agrees_with_scipy(rotation, translation):
    pose = pose_vector(rigid(list(rotation), list(translation))[None])[0].numpy()
    np.testing.assert_allclose(pose, [*rotation, *translation], atol=2e-4)


@given(st.tuples(*[st.floats(-1.2, 1.2)] * 3), st.tuples(*[st.floats(-2, 2)] * 3))
def test_invert_rigid_undoes(rotation, translation):
    transform = rigid(list(rotation), list(translation))
    assert torch.allclose(invert_rigid(transform) @ transform, torch.eye(4), atol=1e-5)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ((0.0, 0.0, 1.0), (1.0, 3.0)),  # straight through: z from 1 to 3
        ((0.5, 0.0, 1.0), (1.0, 2.0)),  # leaves by the side x = 1 at z = 2
        ((2.0, 0.0, 1.0), None),  # passes beside it
        ((0.0, 0.0, -1.0), None),  # behind the camera
    ],
)
def test_rays_cross_a_box_where_geometry_says(direction, expected):
    rays = Rays(torch.zeros(1, 1, 3), torch.tensor([[direction]]))
    crossing = cross_box(rays, torch.tensor([-1.0, -1.0, 1.0]), torch.tensor([1.0, 1.0, 3.0]))
    assert bool(crossing.hit) == (expected is not None)
    if expected:
        assert (float(crossing.near), float(crossing.far)) == pytest.approx(expected, abs=1e-5)


def test_a_camera_inside_the_box_starts_at_itself():
    crossing = cross_box(Rays(torch.zeros(1, 1, 3), torch.tensor([[[0.0, 0.0, 1.0]]])), -torch.ones(3), torch.ones(3))
    assert float(crossing.near) == 0
    assert float(crossing.far) == pytest.approx(1)

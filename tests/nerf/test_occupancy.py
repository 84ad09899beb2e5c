"""Empty cells take no samples."""

import pytest
import torch

from erlnet.nerf.cameras import Pinhole, Rays, camera_rays, cross_box
from erlnet.nerf.occupancy import RESOLUTION, Occupancy, seen_share

LOW, HIGH = torch.tensor([-1.0, -1.0, 2.0]), torch.tensor([1.0, 1.0, 4.0])


def ball(radius: float) -> Occupancy:
    occupancy = Occupancy(LOW, HIGH)
    occupancy.restrict((occupancy.centres() - torch.tensor([0.0, 0.0, 3.0])).norm(dim=-1) < radius, grow=0)
    return occupancy


def test_a_ray_is_cut_to_the_occupied_part_and_a_ray_beside_it_is_dropped():
    rays = Rays(torch.zeros(1, 1, 3), torch.tensor([[[0.0, 0.0, 1.0], [0.3, 0.0, 1.0]]]))
    crossing = ball(0.5).narrow(rays, cross_box(rays, LOW, HIGH))
    probe = 2 / 32  # the box is 2 deep and probed 32 times
    assert float(crossing.near[0, 0]) == pytest.approx(2.5, abs=probe + 2 / RESOLUTION)
    assert float(crossing.far[0, 0]) == pytest.approx(3.5, abs=probe + 2 / RESOLUTION)
    assert crossing.hit.tolist() == [[True, False]]


def test_a_full_grid_changes_nothing():
    rays = camera_rays(Pinhole(50, 50, 32, 32, 64, 64), torch.rand(2, 30) * 64, torch.rand(2, 30) * 64)
    before = cross_box(rays, LOW, HIGH)
    after = Occupancy(LOW, HIGH).narrow(rays, before)
    assert torch.equal(before.hit, after.hit)
    assert torch.allclose(before.near[before.hit], after.near[after.hit], atol=1e-5)
    assert torch.allclose(before.far[before.hit], after.far[after.hit], atol=1e-5)


def test_what_is_empty_stays_empty():
    occupancy = ball(0.5)
    occupied = int(occupancy.cells.sum())
    occupancy.restrict(torch.ones(RESOLUTION**3, dtype=torch.bool), grow=1)
    assert int(occupancy.cells.sum()) == occupied
    occupancy.restrict((occupancy.centres() - torch.tensor([0.0, 0.0, 3.0])).norm(dim=-1) < 0.2, grow=0)
    assert 0 < int(occupancy.cells.sum()) < occupied


def test_every_cell_centre_falls_into_its_own_cell():
    occupancy = Occupancy(LOW, HIGH)
    assert torch.equal(occupancy.index(occupancy.centres()), torch.arange(RESOLUTION**3))


def test_masks_count_only_where_the_camera_sees_the_point():
    camera = Pinhole(10, 10, 4, 4, 8, 8)
    masks = torch.zeros(2, 8, 8, dtype=torch.bool)
    masks[0, 4, 4] = True  # the point on the axis falls into this pixel
    points = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [5.0, 0.0, 1.0]])
    share = seen_share(points, masks, torch.eye(4).expand(2, 4, 4), camera)
    assert share.tolist() == [0.5, 0.0, 0.0]

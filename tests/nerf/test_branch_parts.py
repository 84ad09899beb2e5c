"""Encoding, conditioning and deformation by themselves."""

import pytest
import torch
from renderer_toys import make_components, make_settings

from erlnet.nerf.components import ConditionDeform, FlameConditioning, NoDeform, PoseDeform
from erlnet.nerf.deform import condition_width
from erlnet.nerf.encoding_components import TriPlane
from erlnet.nerf.footage import scene_of
from erlnet.nerf.model import DbfNerf


def test_a_tri_plane_reads_each_plane_bilinearly_at_the_points_projection():
    encoding = TriPlane(resolution=3, channels=1).build()
    with torch.no_grad():
        encoding.planes.copy_(torch.arange(27.0).view(3, 1, 3, 3))
    # planes hold 3 * row + column (+ 9 per plane); columns follow the first axis, rows the second
    read = encoding(torch.tensor([[0.5, -1.0, 0.0]]))  # x at column 1.5, y at 0, z at 1
    assert encoding.width == 3
    assert read[0].tolist() == pytest.approx([0 + 1.5, 9 + 3 + 1.5, 18 + 3 + 0])


def test_points_outside_read_the_border():
    encoding = TriPlane(resolution=8, channels=2).build()
    assert torch.equal(encoding(torch.tensor([[5.0, -7.0, 0.3]])), encoding(torch.tensor([[1.0, -1.0, 0.3]])))


def test_conditioning_standardises_by_the_training_set_and_bounds_outliers():
    conditioning = FlameConditioning(width=4, hidden=8).build(3)
    signal = torch.randn(200, 3) * torch.tensor([1.0, 10.0, 0.0]) + 5
    conditioning.standardise.fit(signal)
    standard = conditioning.standardise(signal)
    assert torch.allclose(standard[:, :2].mean(0), torch.zeros(2), atol=1e-4)
    assert torch.allclose(standard[:, :2].std(0, correction=0), torch.ones(2), atol=0.05)
    assert standard[:, 2].abs().max() < 0.01  # a constant column is not blown up
    assert conditioning.standardise(torch.full((1, 3), 1e6)).max() == 4
    assert conditioning(signal).shape == (200, 4)


def test_a_rare_blink_is_not_cut_off_half_way():
    """Lids that are shut in one frame of a hundred lie ten deviations out; half shut and shut stay two things."""
    conditioning = FlameConditioning(width=4, hidden=8).build(1)
    lids = (torch.arange(400) % 100 == 0).float()[:, None]
    conditioning.standardise.fit(lids)
    half, shut = conditioning.standardise(torch.tensor([[0.5], [1.0]]))
    assert float(shut) == pytest.approx(4)
    assert float(half) == pytest.approx(4 * (0.5 - 0.01) / 0.99)
    outlier = torch.cat([torch.randn(1000, 1), torch.tensor([[1e3]])])  # one in a thousand moves nothing
    conditioning.standardise.fit(outlier)
    assert conditioning.standardise(torch.tensor([[1e3]])) == 4


def test_deformation_starts_as_the_identity_and_never_reaches_further_than_it_may():
    deform = PoseDeform(hidden=8, reach=0.05).build(6)
    points, pose = torch.rand(2, 7, 3), torch.randn(2, 6)
    assert torch.equal(deform(points, pose), points)
    torch.nn.init.normal_(deform.out.weight, std=10)
    moved = deform(points, pose) - points
    assert 0.01 < moved.abs().max() <= 0.05 + 1e-6
    assert not torch.allclose(deform(points, pose.flip(0)) - points, moved)


def test_the_pose_as_a_condition_moves_no_point_and_differs_between_poses():
    deform = ConditionDeform(hidden=8, width=5).build(6)
    points, pose = torch.rand(2, 7, 3), torch.randn(2, 6)
    assert torch.equal(deform(points, pose), points)
    assert deform.condition(pose).shape == (2, deform.condition_width) == (2, 5)
    assert not torch.allclose(deform.condition(pose)[0], deform.condition(pose)[1])


def test_without_deformation_nothing_moves_and_nothing_enters_the_field():
    deform = NoDeform().build(6)
    points = torch.rand(2, 7, 3)
    assert torch.equal(deform(points, torch.randn(2, 6)), points)
    assert condition_width(deform) == 0


@pytest.mark.parametrize(("deform", "follows"), [("pose", True), ("condition", True), ("none", False)])
def test_the_torso_follows_the_head_where_it_is_told_to(toy, deform, follows):
    """The head turned before a torso that stays: what Static-NeRF shows changes, or not."""
    torch.manual_seed(0)
    model = DbfNerf(make_components(deform=deform), make_settings(), scene_of(toy)).eval()
    if deform == "pose":
        torch.nn.init.normal_(model.branches.static.deform.out.weight, std=1.0)
    poses = toy.head_to_world[:1].repeat(2, 1, 1)
    poses[1, 0, 3] += 0.01
    shown = model.render(toy.signal[:1].repeat(2, 1), poses, toy.root[:1].repeat(2, 1, 1)).static.features
    assert torch.allclose(shown[0], shown[1], atol=1e-7) != follows

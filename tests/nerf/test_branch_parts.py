"""Encoding, conditioning and deformation by themselves."""

import pytest
import torch

from erlnet.nerf.components import FlameConditioning, PoseDeform, TriPlane


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


def test_deformation_starts_as_the_identity_and_never_reaches_further_than_it_may():
    deform = PoseDeform(hidden=8, reach=0.05).build(6)
    points, pose = torch.rand(2, 7, 3), torch.randn(2, 6)
    assert torch.equal(deform(points, pose), points)
    torch.nn.init.normal_(deform.out.weight, std=10)
    moved = deform(points, pose) - points
    assert 0.01 < moved.abs().max() <= 0.05 + 1e-6
    assert not torch.allclose(deform(points, pose.flip(0)) - points, moved)

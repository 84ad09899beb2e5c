import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from erlnet.interfaces import FeatureMaps
from erlnet.nerf.losses import surface_bend, surface_spread


def seen(weights: torch.Tensor, depths: torch.Tensor) -> FeatureMaps:
    """Maps (1,1,h,w) of samples (h,w,S) with these weights at these depths (m)."""
    sums = [(weights * depths**power).sum(-1)[None, None] for power in (0, 1, 2)]
    return FeatureMaps(sums[0], *sums)


def surface(depth: torch.Tensor, opacity: float = 1.0) -> FeatureMaps:
    return seen(torch.full((*depth.shape, 1), opacity), depth[..., None])


def test_half_of_a_ray_two_centimetres_behind_the_other_spreads_by_one():
    maps = seen(torch.full((4, 4, 2), 0.5), torch.tensor([0.9, 0.92]).expand(4, 4, 2))
    assert float(surface_spread(maps)) == pytest.approx(1, rel=0.01)


def test_the_spread_is_of_what_is_seen_and_not_of_how_much():
    depths = torch.tensor([0.9, 0.92]).expand(4, 4, 2)
    whole, faint = (seen(torch.full((4, 4, 2), share), depths) for share in (0.5, 0.3))
    assert float(surface_spread(faint)) == pytest.approx(float(surface_spread(whole)), rel=1e-3)
    assert float(surface_spread(seen(torch.full((4, 4, 2), 0.2), depths))) == 0  # hardly there: nothing to be thin


def test_a_thin_surface_spreads_by_its_millimetre_alone_and_its_gradient_is_finite():
    weights = torch.ones(4, 4, 1, requires_grad=True)
    spread = surface_spread(seen(weights, torch.full((4, 4, 1), 0.9)))
    spread.backward()
    assert float(spread.detach()) == pytest.approx(0.1, abs=0.02)
    assert weights.grad is not None
    assert bool(weights.grad.isfinite().all())


def test_a_branch_that_says_nothing_of_its_thickness_is_not_asked():
    one = torch.ones(1, 1, 4, 4)
    assert float(surface_spread(FeatureMaps(one, one, one))) == 0


@given(st.floats(-0.02, 0.02), st.floats(-0.02, 0.02), st.floats(0.5, 2))
def test_a_plane_does_not_bend_however_it_slopes(down, across, distance):
    rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(5.0), indexing="ij")
    assert float(surface_bend(surface(distance + down * rows + across * columns))) < 1e-3


def test_a_bump_of_a_centimetre_counts_by_its_second_differences():
    depth = torch.full((5, 5), 1.0)
    depth[2, 2] -= 0.01
    # along each axis: 5 lines of 3 places, of which one line reads 1, 2, 1 (cm)
    assert float(surface_bend(surface(depth))) == pytest.approx(2 * 4 / 15, rel=1e-3)


def test_a_step_to_what_is_not_covered_is_no_bend():
    depth = torch.full((5, 6), 1.0)
    depth[:, 3:] = 2.0
    opacity = torch.ones(5, 6)
    opacity[:, 3:] = 0.1
    maps = seen(opacity[..., None], depth[..., None])
    assert float(surface_bend(maps)) == pytest.approx(0, abs=1e-4)
    assert float(surface_bend(surface(depth))) > 1


def test_a_window_of_two_pixels_has_no_second_difference():
    assert float(surface_bend(surface(torch.full((2, 2), 1.0)))) == 0

"""Samples of two branches merged along the ray, against a loop over rays and by law."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from renderer_toys import make_components, make_settings

from erlnet.nerf.footage import scene_of
from erlnet.nerf.fusion import coverage
from erlnet.nerf.joint import Lumps, joint_weights
from erlnet.nerf.model import DbfNerf
from erlnet.nerf.volume import thickness_weights

RAYS = 30


def branch(seed: int, rays: int, count: int) -> Lumps:
    """Some of 30 rays, in order, with rising depths between 1 and 2."""
    generator = torch.Generator().manual_seed(seed)
    slot = torch.randperm(RAYS, generator=generator)[:rays].sort().values
    depth = (1 + torch.rand(rays, count, generator=generator)).sort(1).values
    return Lumps(slot, depth, torch.rand(rays, count, generator=generator) * 0.8)


def one_by_one(first: Lumps, second: Lumps) -> tuple[torch.Tensor, torch.Tensor]:
    """Every ray by itself: its lumps sorted by depth, light dimmed by one after the other."""
    seen = torch.zeros_like(first.thickness), torch.zeros_like(second.thickness)
    for ray in range(RAYS):
        lumps = []
        for number, lots in enumerate((first, second)):
            for row in (lots.slot == ray).nonzero()[:, 0].tolist():
                for i, depth in enumerate(lots.depth[row].tolist()):
                    lumps.append((depth, number, row, i, float(lots.thickness[row, i])))
        light = 1.0
        for _, number, row, i, thickness in sorted(lumps):
            seen[number][row, i] = light * (1 - math.exp(-thickness))
            light *= math.exp(-thickness)
    return seen


@pytest.mark.parametrize("counts", [(16, 8), (3, 5), (1, 1)])
def test_merging_agrees_with_a_loop_over_rays(counts):
    first, second = branch(0, 20, counts[0]), branch(1, 25, counts[1])
    for ours, naive in zip(joint_weights(first, second, RAYS), one_by_one(first, second)):
        assert torch.allclose(ours, naive, atol=1e-6)


def test_overlapping_bins_by_hand():
    # tau .1 at depth 1 and .3 at 3 of the one, .2 at 2 of the other
    first = Lumps(torch.tensor([0]), torch.tensor([[1.0, 3.0]]), torch.tensor([[0.1, 0.3]]))
    second = Lumps(torch.tensor([0]), torch.tensor([[2.0]]), torch.tensor([[0.2]]))
    ours, theirs = joint_weights(first, second, 1)
    assert ours[0].tolist() == pytest.approx([1 - math.exp(-0.1), math.exp(-0.3) * (1 - math.exp(-0.3))])
    assert theirs[0].tolist() == pytest.approx([math.exp(-0.1) * (1 - math.exp(-0.2))])


def test_of_two_samples_at_one_depth_the_first_branchs_lies_before():
    same = Lumps(torch.tensor([0]), torch.tensor([[1.0]]), torch.tensor([[0.5]]))
    ahead, behind = joint_weights(same, same, 1)
    assert float(ahead) == pytest.approx(1 - math.exp(-0.5))
    assert float(behind) == pytest.approx(math.exp(-0.5) * (1 - math.exp(-0.5)))


@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 9))
def test_both_opacities_together_are_what_all_thickness_hides(seed, count, other):
    first, second = branch(seed, 17, count), branch(seed + 1, 23, other)
    hidden, total = torch.zeros(RAYS), torch.zeros(RAYS)
    for lumps, weights in zip((first, second), joint_weights(first, second, RAYS)):
        assert (weights >= 0).all()
        hidden.index_add_(0, lumps.slot, weights.sum(1))
        total.index_add_(0, lumps.slot, lumps.thickness.sum(1))
    assert torch.allclose(hidden, -torch.expm1(-total), atol=1e-5)


def test_an_empty_branch_leaves_the_other_as_it_is_alone():
    first, second = branch(2, 20, 6), branch(3, 20, 4)
    clear = second._replace(thickness=torch.zeros_like(second.thickness))
    nowhere = Lumps(second.slot[:0], second.depth[:0], second.thickness[:0])
    alone = thickness_weights(first.thickness).weights
    for nothing in (clear, nowhere):
        assert torch.allclose(joint_weights(first, nothing, RAYS)[0], alone, atol=1e-7)
        assert torch.allclose(joint_weights(nothing, first, RAYS)[1], alone, atol=1e-7)


def test_gradients_cross_the_branches():
    """What lies before dims what lies behind, so its thickness has a gradient from it; the reverse has none."""
    near = torch.tensor([[0.4]], dtype=torch.float64, requires_grad=True)
    far = torch.tensor([[0.7]], dtype=torch.float64, requires_grad=True)
    slot, one, two = torch.tensor([0]), torch.tensor([[1.0]]).double(), torch.tensor([[2.0]]).double()

    def seen(near, far):
        return joint_weights(Lumps(slot, two, far), Lumps(slot, one, near), 1)

    assert torch.autograd.gradcheck(seen, (near, far))
    ahead = seen(near, far)[1]
    assert torch.autograd.grad(ahead.sum(), far, allow_unused=False)[0].abs().sum() == 0


def test_coverage_of_layers_and_of_shares():
    head, static = torch.tensor(0.5), torch.tensor(0.4)
    assert float(coverage(head, static, joint=False)) == pytest.approx(0.7)
    assert float(coverage(head, static, joint=True)) == pytest.approx(0.9)


@pytest.mark.parametrize("fusion", ["volume", "over"])
def test_what_lies_behind_a_dropped_head_is_seen(toy, fusion):
    """A torso moved behind the head: composited together it is hidden there, without the head it is all seen."""
    torch.manual_seed(0)
    model = DbfNerf(make_components(fusion), make_settings(), scene_of(toy)).eval()
    with torch.no_grad():
        model.branches.head.field.to_density.bias.fill_(3.0)  # a wall
        model.branches.static.field.to_density.bias.fill_(1.0)
    root = toy.head_to_world[0].clone()
    root[2, 3] += 0.5
    whole = model.render(toy.signal[:1], toy.head_to_world[:1], root)
    headless = model.render(toy.signal[:1], toy.head_to_world[:1], root, drop_head=True)
    here = (whole.head.opacity > 0.99) & (headless.static.opacity > 0.9)
    assert here.sum() > 5
    if fusion == "volume":
        assert whole.static.opacity[here].max() < 0.01
        assert model.coverage(whole.head, whole.static).max() <= 1 + 1e-5
    else:
        assert torch.equal(whole.static.opacity, headless.static.opacity)
    assert not headless.head.opacity.any()

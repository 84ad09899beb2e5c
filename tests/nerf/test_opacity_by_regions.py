"""What the region maps teach each branch."""

import pytest
import torch
from renderer_toys import bits

from erlnet.nerf.losses import opacity_loss
from erlnet.nerf.regions import neck_middles, opacity_targets


def blocks(*names_by_block: tuple[str, ...]) -> torch.Tensor:
    """(1,2,2n) map of 2x2 px blocks side by side."""
    row = torch.tensor([bits(*names) for names in names_by_block for _ in range(2)], dtype=torch.uint8)
    return row.expand(1, 2, -1).contiguous()


def test_each_region_teaches_the_branches_what_the_design_says():
    regions = blocks(("head", "face"), ("head",), ("torso",), ("background",), ("head", "unknown"))
    t = opacity_targets(regions, torch.tensor([torch.inf]), factor=2)
    assert t.head.flatten().tolist() == [1, 1, 0, 0, 0]
    assert t.head_weight.flatten().tolist() == [1, 1, 1, 1, 0]
    assert t.static.flatten().tolist() == [0, 0, 1, 0, 0]
    assert t.static_weight.flatten().tolist() == [1, 0, 1, 1, 0]  # hair may hide a torso; nothing is known there


def test_a_block_on_an_edge_teaches_its_share():
    regions = torch.tensor([[[bits("head"), bits("background")], [bits("background"), bits("unknown")]]]).byte()
    t = opacity_targets(regions, torch.tensor([torch.inf]), factor=2)
    assert float(t.head) == pytest.approx(1 / 3)
    assert float(t.head_weight) == pytest.approx(3 / 4)


def test_only_the_lower_half_of_the_neck_is_the_torsos():
    column = [bits("head"), *[bits("neck")] * 4, bits("torso")]
    regions = torch.tensor(column, dtype=torch.uint8)[None, :, None].contiguous()
    middle = neck_middles(regions)
    assert middle.tolist() == [2.5]  # rows 1 to 4
    t = opacity_targets(regions, middle, factor=1)
    assert t.static.flatten().tolist() == [0, 0, 0, 1, 1, 1]
    assert t.static_weight.flatten().tolist() == [0, 0, 0, 1, 1, 1]
    assert t.head_weight.flatten().tolist() == [1, 0, 0, 0, 0, 1]
    assert t.neck_weight.flatten().tolist() == [0, 1, 1, 1, 1, 0]  # but together the branches cover all of it


def test_an_image_without_a_neck_has_no_neck_middle():
    assert neck_middles(blocks(("head",))).tolist() == [torch.inf]


def test_the_opacity_loss_is_binary_cross_entropy_where_something_is_known():
    opacity = torch.tensor([0.8, 0.3, 0.5]).view(1, 1, 1, 3)
    target = torch.tensor([1.0, 0.0, 1.0]).view(1, 1, 1, 3)
    weight = torch.tensor([1.0, 1.0, 0.0]).view(1, 1, 1, 3)
    assert float(opacity_loss(opacity, target, weight)) == pytest.approx((0.223144 + 0.356675) / 3, abs=1e-5)


def test_a_nearly_transparent_branch_still_is_pulled_up():
    opacity = torch.full((1, 1, 1, 1), 1e-4, requires_grad=True)
    one = torch.ones(1, 1, 1, 1)
    opacity_loss(opacity, one, one).backward()
    assert float(opacity.grad) == pytest.approx(-1e4, rel=1e-3)

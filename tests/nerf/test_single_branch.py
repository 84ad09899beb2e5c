"""One NeRF for head and torso: a fair control."""

import pytest
import torch
from renderer_toys import BRANCHES, DEFORMS, bits, make_components, make_settings

from erlnet import registry
from erlnet.errors import UserError
from erlnet.nerf.branches import BranchParts, Driving
from erlnet.nerf.cameras import invert_rigid
from erlnet.nerf.components import FlameConditioning
from erlnet.nerf.footage import carve, scene_of
from erlnet.nerf.geometry import whole_box
from erlnet.nerf.model import DbfNerf
from erlnet.nerf.regions import opacity_targets, whole_targets
from erlnet.nerf.single import nearest_width
from erlnet.nerf.windows import whole

BOX = torch.tensor([[-0.1, -0.1, -0.1], [0.1, 0.1, 0.1]])


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def parts(encoding, deform, channels: int = 48, hidden: int = 64) -> BranchParts:
    return BranchParts(
        encoding, FlameConditioning(), deform, 60, channels, hidden, (16, 8), (8, 4), BOX, BOX, BOX, joint=False
    )


@pytest.mark.parametrize("deform", registry.names("deform"))
@pytest.mark.parametrize("encoding", registry.names("encoding"))
def test_it_has_the_parameters_of_both_branches(encoding, deform):
    made = parts(registry.load("encoding", encoding)(), registry.load("deform", deform)())
    try:
        single, dual = (count(BRANCHES[name].build(made)) for name in ("single", "dual"))
    except UserError as missing:
        pytest.skip(str(missing))
    assert abs(single / dual - 1) < 0.02


def test_it_takes_the_samples_of_both_branches():
    torch.manual_seed(0)
    made = parts(registry.load("encoding", "triplane")(8, 2), DEFORMS["pose"])
    assert int(BRANCHES["single"].build(made).whole.samples) == 16 + 8
    assert BRANCHES["single"].build(made).whole.fine_samples == 8 + 4


def test_the_nearest_width_is_found():
    assert nearest_width(50, lambda n: n * n) == 7  # 49 is nearer than 64
    assert nearest_width(60, lambda n: n * n) == 8
    assert nearest_width(-5, lambda n: n * n) == 1


def test_its_box_holds_the_heads_and_the_torsos_wherever_the_head_goes():
    head_to_world = torch.eye(4).repeat(3, 1, 1)
    head_to_world[:, :3, 3] = torch.tensor([[0.0, 0.0, 1.0], [0.02, 0.0, 1.0], [-0.03, 0.01, 1.1]])
    turned = torch.deg2rad(torch.tensor(20.0))
    head_to_world[1, 0, 0] = head_to_world[1, 2, 2] = turned.cos()
    head_to_world[1, 0, 2], head_to_world[1, 2, 0] = turned.sin(), -turned.sin()
    root = torch.eye(4).repeat(3, 1, 1)
    root[:, :3, 3] = torch.tensor([0.0, 0.3, 1.05])
    static = torch.tensor([[-0.3, -0.1, -0.08], [0.3, 0.1, 0.08]])
    box = whole_box(BOX, static, head_to_world, root)
    assert (box[0] <= BOX[0]).all()
    assert (box[1] >= BOX[1]).all()
    points = static[0] + torch.rand(500, 3) * (static[1] - static[0])
    for moved in invert_rigid(head_to_world) @ root:
        inside = points @ moved[:3, :3].T + moved[:3, 3]
        share = ((inside >= box[0]) & (inside <= box[1])).all(1).float().mean()
        assert share > 0.97  # the outermost 2 % of the images may reach out


def test_it_is_taught_what_both_branches_are_taught_together():
    rows = [bits("head", "face"), bits("neck"), bits("neck"), bits("torso"), bits("background"), bits("unknown")]
    regions = torch.tensor(rows, dtype=torch.uint8)[None, :, None].repeat_interleave(2, 1).repeat(1, 1, 2)
    middle = torch.tensor([3.5])  # between the two rows of neck
    taught = whole_targets(regions, middle, 2)
    assert taught.head.flatten().tolist() == [1, 0, 1, 1, 0, 0]
    assert taught.head_weight.flatten().tolist() == [1, 0, 1, 1, 1, 0]
    assert not taught.static_weight.any()
    assert torch.equal(taught.neck_weight, opacity_targets(regions, middle, 2).neck_weight)


def test_carving_leaves_head_and_torso_and_empties_the_rest(toy):
    torch.manual_seed(0)
    model = DbfNerf(make_components(branches="single"), make_settings(), scene_of(toy)).eval()
    carve(model, toy)
    head, static, _ = model.maps(toy.driving(torch.arange(2)), whole(2, model.size))
    seen = (head.opacity > 0)[:, 0]
    person = torch.nn.functional.max_pool2d(((toy.regions & bits("background")) == 0).float()[:, None], 4)[:, 0] > 0
    assert seen[person].float().mean() > 0.95
    assert seen[~person].float().mean() < 0.5
    assert not any(m.any() for m in (static.opacity, static.features, static.depth))


@pytest.mark.parametrize("deform", DEFORMS)
def test_it_knows_the_heads_pose_on_the_torso(toy, deform):
    """The torso turned under a head that stays: what is seen changes, though ray and signal are the same."""
    torch.manual_seed(0)
    model = DbfNerf(make_components(branches="single", deform=deform), make_settings(), scene_of(toy)).eval()
    model.branches.fit(toy.driving(torch.arange(2)))
    root = toy.root[:1].clone()
    root[:, 0, 3] += 0.01
    still = Driving(toy.signal[:1], toy.head_to_world[:1], toy.root[:1])
    before, after = model.render(*still), model.render(*still._replace(root=root))
    assert not torch.allclose(before.head.features, after.head.features, atol=1e-6)


def test_without_its_head_nobody_is_left(toy):
    torch.manual_seed(0)
    model = DbfNerf(make_components(branches="single"), make_settings(), scene_of(toy)).eval()
    torch.nn.init.normal_(model.plate)
    nobody = model.render(toy.signal, toy.head_to_world, toy.root, drop_head=True)
    assert not any(m.any() for m in (nobody.head.opacity, nobody.static.opacity))
    assert torch.allclose(nobody.image, model.upsampler(model.plate), atol=1e-6)

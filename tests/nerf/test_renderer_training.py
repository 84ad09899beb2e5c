"""Training of a whole renderer on two frames."""

from dataclasses import replace

import pytest
import torch
from renderer_toys import BRANCHES, DEFORMS, FUSIONS, Silent, make_components, make_settings, make_toy

from erlnet.errors import UserError
from erlnet.nerf.files import load_renderer, save_renderer
from erlnet.nerf.footage import scene_of
from erlnet.nerf.fusion_components import PixelFusion
from erlnet.nerf.health import HealthTotals
from erlnet.nerf.model import DbfNerf
from erlnet.nerf.regions import neck_middles
from erlnet.nerf.training import NotFinite, batch_losses, train_renderer
from erlnet.nerf.windows import whole


class Losses(Silent):
    def __init__(self):
        self.seen = []

    def update(self, step, total, loss=None):
        assert step == len(self.seen) + 1 <= total
        self.seen.append(loss)


def error(model, data) -> float:
    frames = model.frames(data.signal, data.head_to_world, data.root)
    return float((frames.float() - data.frames.float()).abs().mean() / 255)


def psnr(model, data) -> float:
    frames = model.frames(data.signal, data.head_to_world, data.root)
    return -10 * float(((frames.float() - data.frames.float()) / 255).square().mean().log10())


@pytest.mark.parametrize("fusion", FUSIONS)
def test_training_on_two_frames_lowers_the_loss_and_draws_them(toy, fusion):
    losses = Losses()
    model, metrics = train_renderer(toy, make_components(fusion), make_settings(), 0, losses)
    assert sum(losses.seen[-5:]) < 0.6 * sum(losses.seen[:5])
    untrained = train_renderer(toy, make_components(fusion), make_settings(steps=1), 0, Silent())[0]
    assert error(model, toy) < 0.6 * error(untrained, toy)
    # Measured: 20.6 to 22.2 dB; 18.9 trained apart, where no loss sees the two layers together.
    assert psnr(model, toy) > (18 if fusion == "separate" else 20)
    assert psnr(untrained, toy) < 14
    assert metrics["steps"] == 80
    assert metrics["parameters"] == sum(p.numel() for p in model.parameters())
    assert not model.training
    health = HealthTotals()
    health.add(model, toy.signal, toy.head_to_world, toy.root, toy.frames, toy.regions)
    values = health.values()
    assert values["head_opacity_face"] > 0.6  # 80 steps; the gate asks for .9 of a whole training
    assert values["head_opacity_torso"] < 0.1
    assert values["static_opacity_face"] < 0.1
    assert values["dropping_head_costs_face_db"] > 8
    assert values["dropping_head_costs_torso_db"] < 1


@pytest.mark.parametrize("fusion", ["pixel", "normalised", "attention", "volume"])
def test_one_nerf_draws_both_frames_under_every_fusion(toy, fusion):
    model, _ = train_renderer(toy, make_components(fusion, "single"), make_settings(), 0, Silent())
    assert psnr(model, toy) > 20


@pytest.mark.parametrize("deform", DEFORMS)
def test_every_deformation_draws_both_frames(toy, deform):
    model, _ = train_renderer(toy, make_components(deform=deform), make_settings(steps=60), 0, Silent())
    assert psnr(model, toy) > 19


def test_the_same_seed_gives_the_same_bits_and_another_gives_others(toy):
    first, second, other = (
        train_renderer(toy, make_components(), make_settings(steps=12), seed, Silent())[0].state_dict()
        for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_leaves_the_global_random_state_alone(toy):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_renderer(toy, make_components(), make_settings(steps=1), 0, Silent())
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("branches", BRANCHES)
@pytest.mark.parametrize("fusion", FUSIONS)
def test_gradients_reach_every_parameter(toy, fusion, branches):
    if (fusion, branches) == ("separate", "single"):
        pytest.skip("one NeRF is not trained apart")
    torch.manual_seed(0)
    model = DbfNerf(make_components(fusion, branches), make_settings(), scene_of(toy))
    moving = model.branches.static if branches == "dual" else model.branches.whole
    starting_at_zero = [model.upsampler.last, moving.deform.out]  # these pass no gradient on at first
    if fusion == "refine":
        starting_at_zero.append(model.fusion.refiner.last)
    if fusion == "attention":
        starting_at_zero.append(model.fusion.out)
    for layer in starting_at_zero:
        torch.nn.init.normal_(layer.weight, std=0.1)
    for branch in model.branches.each():
        torch.nn.init.uniform_(branch.encoding.planes, -1, 1)
    windows = whole(2, model.size)
    middle = neck_middles(toy.regions)
    sum(batch_losses(model, toy, middle, windows, torch.Generator().manual_seed(0)).values()).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # With an empty static map attention still learns its keys, which are the bias alone.
    assert without == (["fusion.static_tokens.weight"] if (fusion, branches) == ("attention", "single") else [])


def test_a_refiner_leaves_layers_trained_apart_alone(toy):
    """The finished picture teaches the refiner and nothing before it; trained jointly, the branches, too."""
    for train, reaches in (("separate", False), ("joint", True)):
        torch.manual_seed(0)
        components = replace(make_components(), fusion=PixelFusion(train, refine=True))
        model = DbfNerf(components, make_settings(), scene_of(toy))
        torch.nn.init.normal_(model.fusion.refiner.last.weight, std=0.1)
        middle, generator = neck_middles(toy.regions), torch.Generator().manual_seed(0)
        losses = batch_losses(model, toy, middle, whole(2, model.size), generator)
        (losses["colour"] + losses["structure"]).backward()
        touched = {n.partition(".")[0] for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
        assert ("branches" in touched) is reaches
        assert "fusion" in touched


def test_a_loss_that_is_no_number_names_the_step_and_the_frames(toy):
    broken = replace(toy, signal=torch.full_like(toy.signal, torch.nan))
    with pytest.raises(NotFinite, match=r"nan at step 0, frames \[[01, ]+\]"):
        train_renderer(broken, make_components(), make_settings(), 0, Silent())


def test_invalid_frames_are_never_trained_on():
    toy = make_toy(3)
    valid = torch.tensor([True, False, True])
    poisoned = replace(toy, valid=valid, signal=toy.signal.where(valid[:, None], torch.nan))
    losses = Losses()
    train_renderer(poisoned, make_components(), make_settings(steps=15), 0, losses)
    assert all(loss == loss for loss in losses.seen)


def test_dropping_the_head_leaves_torso_and_plate(toy):
    model, _ = train_renderer(toy, make_components(), make_settings(), 0, Silent())
    whole_image = model.render(toy.signal, toy.head_to_world, toy.root)
    headless = model.render(toy.signal, toy.head_to_world, toy.root, drop_head=True)
    changed = (whole_image.image - headless.image).abs().amax((0, 1))
    assert changed[10:16, 14:18].min() > 0.2  # the face
    assert changed[28:].max() < 0.05  # the torso
    assert float(headless.head.opacity.max()) == 0


def test_a_batch_renders_like_its_images_alone(toy):
    model, _ = train_renderer(toy, make_components(), make_settings(steps=10), 0, Silent())
    together = model.frames(toy.signal, toy.head_to_world, toy.root)
    alone = [model.frames(toy.signal[i : i + 1], toy.head_to_world[i : i + 1], toy.root[0]) for i in range(2)]
    assert (together.int() - torch.cat(alone).int()).abs().max() <= 1


def test_a_saved_renderer_comes_back_and_refuses_another_variant(toy, tmp_path):
    settings = make_settings(steps=10)
    model, _ = train_renderer(toy, make_components(), settings, 0, Silent())
    path = tmp_path / "renderer.safetensors"
    save_renderer(path, model)
    again = load_renderer(path, make_components(), settings)
    assert torch.equal(
        model.frames(toy.signal, toy.head_to_world, toy.root), again.frames(toy.signal, toy.head_to_world, toy.root)
    )
    with pytest.raises(UserError, match="trained with fusion="):
        load_renderer(path, make_components("pixel"), settings)
    with pytest.raises(UserError, match="trained with renderer="):
        load_renderer(path, make_components(), replace(settings, hidden=8))


def test_a_truncated_checkpoint_is_one_clear_line(toy, tmp_path):
    settings = make_settings(steps=1)
    path = tmp_path / "renderer.safetensors"
    save_renderer(path, train_renderer(toy, make_components(), settings, 0, Silent())[0])
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="no readable renderer checkpoint"):
        load_renderer(path, make_components(), settings)
    with pytest.raises(UserError, match="no readable renderer checkpoint"):
        load_renderer(tmp_path / "nothing", make_components(), settings)

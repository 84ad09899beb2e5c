"""What stops a training, what is refused before it, and where its parts lie."""

import json
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from renderer_toys import Silent, bits, make_components, make_settings, make_toy

from erlnet.errors import AssetMissing, UserError
from erlnet.nerf.branches import Driving
from erlnet.nerf.fitness import check_fit
from erlnet.nerf.model import DbfNerf
from erlnet.nerf.placement import made_on, moved
from erlnet.nerf.training import train_renderer
from erlnet.nerf.trouble import Batch, NotFinite, check_gradients, check_losses
from erlnet.nerf.windows import Windows

BATCH = Batch(7, Windows(torch.tensor([3, 1]), torch.tensor([0, 2]), torch.tensor([5, 4]), (4, 4)), 11, 0)


def test_a_term_that_is_no_number_is_named_with_step_and_frames(tmp_path):
    check_losses({"colour": 0.5, "opacity": 0.1}, BATCH, tmp_path / "batch.json")
    assert not (tmp_path / "batch.json").exists()
    with pytest.raises(NotFinite, match=r"loss term 'opacity' is inf at step 7, frames \[3, 1\]; the batch is in "):
        check_losses({"colour": 0.5, "opacity": float("inf")}, BATCH, tmp_path / "batch.json")
    assert json.loads((tmp_path / "batch.json").read_text()) == {
        "what": "loss term 'opacity' is inf", "step": 7, "seed": 11, "restarts": 0, "frames": [3, 1],
        "rows": [0, 2], "columns": [5, 4], "window": [4, 4], "losses": {"colour": 0.5, "opacity": "inf"},
    }  # fmt: skip


def test_a_gradient_that_is_no_number_stops_before_it_changes_a_weight(toy, monkeypatch):
    """sqrt at zero has a finite value and an infinite slope; times zero it is no number."""
    from erlnet.nerf import training

    models, plain = [], training.batch_losses

    def sharp(model, *arguments):
        losses = plain(model, *arguments)
        if torch.is_grad_enabled():
            models.append({name: p.detach().clone() for name, p in model.named_parameters()})
            losses["sharp"] = (model.plate.flatten()[0] * 0).sqrt()
        return losses

    monkeypatch.setattr(training, "batch_losses", sharp)
    made = []

    class Remembered(training.Training):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self.model)

    monkeypatch.setattr(training, "Training", Remembered)
    with pytest.raises(NotFinite, match=r"the gradient of 'plate' is not finite at step 0, frames \["):
        train_renderer(toy, make_components(), make_settings(), 0, Silent())
    assert all(torch.equal(p, models[0][name]) for name, p in made[0].named_parameters())


def test_gradients_that_are_numbers_pass():
    layer = torch.nn.Linear(2, 2)
    check_gradients(layer, {}, BATCH, None)  # none yet
    layer(torch.ones(1, 2)).sum().backward()
    check_gradients(layer, {}, BATCH, None)
    layer.weight.grad[0, 0] = torch.nan
    with pytest.raises(NotFinite, match="gradient of 'weight'"):
        check_gradients(layer, {}, BATCH, None)


def without(toy, name):
    return replace(toy, regions=toy.regions & ~torch.tensor(bits(name), dtype=torch.uint8))


@pytest.mark.parametrize(
    ("spoil", "settings", "message"),
    [
        (lambda d: replace(d, valid=~d.valid), {}, r"speaker 'x': .* in none of 2 frames.*use a video"),
        (lambda d: without(without(d, "torso"), "neck"), {}, r"speaker 'x': no frame shows the torso.*wider crop"),
        (lambda d: without(d, "head"), {}, r"speaker 'x': no frame shows the head"),
        (lambda d: d, {"window": 9}, r"renderer.window=9 is larger than the 8x8 feature px .*to at most 8$"),
        (lambda d: d, {"window": 2}, r"renderer.window=2 at renderer.factor=4 is 8 px wide .*to at least 3$"),
        (lambda d: d, {"factor": 5}, r"frames of 32x32 px cannot be divided by renderer.factor=5"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_on_is_one_clear_line(toy, spoil, settings, message):
    with pytest.raises(UserError, match=message) as e:
        check_fit(spoil(toy), make_settings(**settings), "speaker 'x'")
    assert "\n" not in str(e.value)
    with pytest.raises(UserError):
        train_renderer(spoil(toy), make_components(), make_settings(**settings), 0, Silent())


def test_one_frame_is_enough_to_train_on():
    toy = make_toy(1)
    model, metrics = train_renderer(toy, make_components(), make_settings(), 0, Silent())
    drawn = model.frames(toy.signal, toy.head_to_world, toy.root)
    assert (drawn.float() - toy.frames.float()).abs().mean() < 15
    assert metrics["dead"] == 0


@dataclass(frozen=True)
class Squared:
    """The mean squared error, weighed."""

    weight: float = 0.5

    VERSION: ClassVar[int] = 1

    def build(self):
        class Loss(torch.nn.Module):
            def forward(_, image, truth):
                return self.weight * (image - truth).square().mean()

        return Loss()


@pytest.mark.parametrize("fusion", ["normalised", "pixel", "separate", "refine"])
def test_the_perceptual_loss_joins_the_others_whatever_the_fusion(toy, fusion):
    components = replace(make_components(fusion), perceptual=Squared())
    _, metrics = train_renderer(toy, components, make_settings(steps=3), 0, Silent())
    assert 0 < metrics["loss_perceptual"] < 1
    weightless = replace(components, perceptual=Squared(0.0))
    plain, silent = (
        train_renderer(toy, c, make_settings(steps=3), 0, Silent())[0].state_dict()
        for c in (make_components(fusion), weightless)
    )
    assert all(torch.equal(plain[name], silent[name]) for name in plain)  # and it is no part of the renderer
    weighed = train_renderer(toy, components, make_settings(steps=3), 0, Silent())[0].state_dict()
    assert not all(torch.equal(plain[name], weighed[name]) for name in plain)


def test_weights_of_the_perceptual_loss_are_asked_for_before_anything_trains(monkeypatch, tmp_path):
    from erlnet.grammar import parse_assignments
    from erlnet.grid import resolve
    from erlnet.runs.renderer_stages import check_needs
    from erlnet.stages import make_plan

    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path))
    (variant,) = resolve(parse_assignments(["perceptual=lpips"])).variants
    plan = make_plan(variant, 0, {}, ("tracked",), ("ssim",))
    stage = next(s for s in plan.stages if s.name == "renderer")
    with pytest.raises(AssetMissing, match="assets fetch lpips_vgg"):
        check_needs(stage.config)


def test_named_tuples_move_whole_and_keep_what_is_no_tensor():
    windows = moved(BATCH.windows, torch.device("meta"))
    assert windows.frame.device.type == windows.column.device.type == "meta"
    assert windows.size == (4, 4)
    assert isinstance(moved(Driving(*(torch.zeros(1),) * 3), torch.device("meta")), Driving)


def test_new_tensors_are_made_where_they_are_wanted():
    with made_on(torch.device("meta")):
        assert torch.zeros(2).device.type == torch.arange(3).device.type == "meta"
    with made_on(torch.device("cpu")):
        assert torch.zeros(2).device.type == "cpu"
    assert torch.zeros(2).device.type == "cpu"


def test_frames_come_back_to_the_cpu(toy):
    from erlnet.nerf.footage import scene_of

    model = DbfNerf(make_components(), make_settings(), scene_of(toy))
    assert model.frames(toy.signal, toy.head_to_world, toy.root).device.type == "cpu"

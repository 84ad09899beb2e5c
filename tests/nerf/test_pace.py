"""Rendering faster changes no picture by more than it says."""

import pytest
import torch
from renderer_toys import Silent, make_components, make_settings

from erlnet.errors import UserError
from erlnet.nerf import branches, pace
from erlnet.nerf.footage import scene_of
from erlnet.nerf.model import DbfNerf
from erlnet.nerf.pace import LowPrecision, Pace, has_bfloat16, quicken
from erlnet.nerf.training import train_renderer
from erlnet.nerf.windows import whole


def toy_model(toy, count: int = 16) -> DbfNerf:
    torch.manual_seed(0)
    settings = make_settings(head_samples=(count, count), static_samples=(count, count))
    return DbfNerf(make_components(), settings, scene_of(toy)).eval()


@pytest.mark.parametrize("density_bias", [-20.0, 0.0, 3.0, 20.0])
def test_what_no_light_reaches_is_not_looked_at(toy, density_bias):
    """Empty, foggy, dense and opaque: with and without the second look the maps agree within the light left out."""
    model = toy_model(toy)
    rays, driving = model.rays(whole(2, model.size)), toy.driving(torch.arange(2))
    for branch in model.branches.each():
        torch.nn.init.constant_(branch.field.to_density.bias, density_bias)
        everything = branch.march(rays, driving, None)
        n_rays = rays.directions.shape[0] * rays.directions.shape[1]
        with torch.no_grad():
            stopped = branch.march(rays, driving, None)
            left_out = (stopped.thickness == 0) & (everything.thickness > 0)
            light = torch.exp(-everything.thickness[:, :8].sum(-1))
            assert torch.equal(left_out[:, 8:].any(1), light <= branches.DARK)
            assert not left_out[:, :8].any()
            full, part = branch.alone(everything, n_rays), branch.alone(stopped, n_rays)
            assert (full[:, -3] - part[:, -3]).abs().max() <= branches.DARK
            assert (full[:, :-3] - part[:, :-3]).abs().max() <= 2 * branches.DARK * everything.hidden.abs().max()


def test_with_few_samples_every_one_is_looked_at(toy):
    model = toy_model(toy, 8)
    rays, driving = model.rays(whole(2, model.size)), toy.driving(torch.arange(2))
    torch.nn.init.constant_(model.branches.head.field.to_density.bias, 20.0)
    with torch.no_grad():
        assert (model.branches.head.march(rays, driving, None).thickness > 0).all()


@pytest.fixture(scope="module")
def trained(toy):
    return train_renderer(toy, make_components(), make_settings(), 0, Silent())[0]


def test_a_decoder_in_bfloat16_stays_within_two_levels(toy, trained):
    driving = toy.driving(torch.arange(2))
    before = trained.frames(*driving)
    fast = quicken(trained, Pace("float32"))
    fast.upsampler = LowPrecision(trained.upsampler)
    assert (fast.frames(*driving).int() - before.int()).abs().max() <= 2
    assert next(trained.upsampler.parameters()).dtype == torch.float32  # the model itself is left alone
    assert torch.equal(trained.frames(*driving), before)


def test_auto_takes_bfloat16_only_where_the_processor_has_it(toy, trained, monkeypatch):
    monkeypatch.setattr(pace, "has_bfloat16", lambda device: False)
    assert not isinstance(quicken(trained, Pace()).upsampler, LowPrecision)
    with pytest.raises(UserError, match="--precision bfloat16: this cpu"):
        quicken(trained, Pace("bfloat16"))
    monkeypatch.setattr(pace, "has_bfloat16", lambda device: True)
    assert isinstance(quicken(trained, Pace()).upsampler, LowPrecision)
    assert not isinstance(quicken(trained, Pace("float32")).upsampler, LowPrecision)


def test_the_processor_is_asked_by_name(monkeypatch):
    cpu = torch.device("cpu")
    for capabilities, native in (({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx2": True}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=capabilities: found, raising=False)
        assert has_bfloat16(cpu) is native


def test_an_unknown_precision_is_refused():
    with pytest.raises(UserError, match="--precision half: expected auto, float32, bfloat16"):
        Pace("half")

"""Equal means: what is compared has the same size, and what a frame costs is counted."""

from dataclasses import fields, replace

import pytest
import torch
from renderer_toys import make_components, make_settings

from erlnet import registry
from erlnet.grammar import parse_assignments
from erlnet.grid import resolve
from erlnet.nerf.cameras import Pinhole
from erlnet.nerf.components import Cnn
from erlnet.nerf.footage import scene_of
from erlnet.nerf.model import DbfNerf, RendererComponents, Scene
from erlnet.nerf.work import multiply_adds

BOX = torch.tensor([[-0.1, -0.1, -0.1], [0.1, 0.1, 0.1]])


def parameters(fusion: str, branches: str, preset: str, *more: str) -> int:
    """Of the renderer that a command with these words would train."""
    words = [f"fusion={fusion}", f"branches={branches}", f"preset={preset}", *more]
    (variant,) = resolve(parse_assignments(words)).variants
    settings = variant.settings["renderer"]
    camera = Pinhole(300.0, 300.0, settings.size / 2, settings.size / 2, settings.size, settings.size)
    components = {f.name: variant.choices[f.name].component for f in fields(RendererComponents)}
    model = DbfNerf(RendererComponents(**components), settings, Scene(camera, 56, BOX, BOX, BOX))
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("preset", ["demo", "full"])
def test_every_fusion_and_both_branches_have_the_same_size(preset):
    counts = {
        (fusion, branches): parameters(fusion, branches, preset)
        for fusion in registry.names("fusion")
        for branches in registry.names("branches")
    }
    assert len(counts) >= 8
    assert max(counts.values()) / min(counts.values()) - 1 < 0.02, counts


@pytest.mark.parametrize("preset", ["demo", "full"])
def test_every_deformation_has_the_same_size(preset):
    counts = [parameters("feature", "dual", preset, f"deform={name}") for name in registry.names("deform")]
    assert max(counts) / min(counts) - 1 < 0.02


def test_a_refiner_is_one_upsampler_more():
    """The control that is larger on purpose: by as much as it says."""
    more = parameters("pixel", "dual", "full", "fusion.refine=true") - parameters("pixel", "dual", "full")
    assert more == sum(p.numel() for p in Cnn().build(48, 4).parameters())


def rendered_work(data, components, **settings) -> int:
    torch.manual_seed(0)
    model = DbfNerf(components, make_settings(**settings), scene_of(data)).eval()
    return multiply_adds(model, data.driving(torch.arange(2)))


def test_the_upsamplers_work_is_counted_as_by_hand(toy):
    """One more layer of 16 to 16 channels over 8 x 8 feature px, 3 x 3 each."""
    plain = make_components()
    deeper = replace(plain, upsampler=Cnn(16, 2))
    assert rendered_work(toy, deeper) - rendered_work(toy, plain) == 8 * 8 * 16 * 16 * 9


def test_pixel_fusion_decodes_twice(toy):
    decoding = 8 * 8 * (48 * 16 * 9 + 16 * 48 * 9 + 48 * 48)  # a layer, the last layer, the skip path
    assert rendered_work(toy, make_components("pixel")) - rendered_work(toy, make_components("over")) == decoding


def test_more_samples_are_more_work(toy):
    few = rendered_work(toy, make_components(), head_samples=(4, 2), static_samples=(4, 2))
    many = rendered_work(toy, make_components(), head_samples=(8, 2), static_samples=(8, 2))
    assert few < many < 2 * few  # once a sample, but the CNN and the last layer once a pixel

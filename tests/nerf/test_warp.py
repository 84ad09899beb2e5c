"""Points of a moving head brought back to the neutral one, against the head model itself."""

from dataclasses import replace

import pytest
import torch
from renderer_toys import Silent, make_components, make_settings, make_toy

from erlnet.head.components import MakeHuman
from erlnet.nerf.components import FlameConditioning
from erlnet.nerf.files import load_renderer, save_renderer
from erlnet.nerf.head_motion import HeadMotion, head_motion
from erlnet.nerf.training import train_renderer
from erlnet.nerf.warp import FULL, GONE, HeadWarp, node_weights


@pytest.fixture(scope="module")
def model():
    return MakeHuman().build()


@pytest.fixture(scope="module")
def shape(model):
    return 0.5 * torch.randn(model.n_shape, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def warp(model, shape):
    motion = head_motion(model, shape)
    head = motion.vertices[model.mask("head")]
    warp = HeadWarp(model.n_expression + 5)
    warp.take(motion, torch.stack([head.amin(0) - 0.02, head.amax(0) + 0.02]))
    return warp


def row(model, jaw=0.0, lids=0.0, **units):
    """One row of the expression stream; a unit's name without its side means both sides."""
    values = [next((v for u, v in units.items() if name.startswith(u)), 0.0) for name in model.expression_names]
    assert sum(v > 0 for v in values) >= len(units)
    return torch.tensor([*values, jaw, 0.0, 0.0, lids, lids])


def skin_error(model, shape, warp, signal):
    """(before, after) mm: how far the skin's vertices are from the neutral head, moved and warped back."""
    still = torch.eye(4)[None]
    vertices, neutral = (
        model(shape[None], s[None, :-5], s[None, -5:-2], torch.zeros(1, 6), s[None, -2:], still, still)[0]
        for s in (signal, torch.zeros_like(signal))
    )
    back = warp(vertices[:, None], torch.zeros(len(vertices), dtype=torch.int64), signal[None])[:, 0]
    inside = model.mask("teeth") | model.mask("tongue") | model.mask("eyeballs")
    skin = model.mask("head") & ~inside
    return tuple(1000 * (points - neutral)[skin].norm(dim=1) for points in (vertices, back))


@pytest.mark.parametrize(
    ("units", "quantile", "bound"),
    [
        ({"mouthSmile": 0.5, "cheekSquint": 0.3}, 0.99, 2.2),
        ({"mouthPucker": 0.5, "browInnerUp": 0.5}, 0.99, 2.0),
        ({"mouthFrown": 0.5, "browDown": 0.5}, 0.99, 2.0),
        ({"lids": 0.5}, 0.99, 2.0),
        ({"jaw": 0.1}, 0.99, 2.2),
        ({"jaw": 0.2}, 0.95, 2.0),  # lips 2 cm apart
        ({"jaw": 0.43}, 0.95, 5.0),  # as far open as it goes: lips that touch at rest share the grid's cells
    ],
    ids=["smile", "pucker", "frown", "lids half shut", "speech", "open", "wide open"],
)
def test_a_moved_face_goes_back_to_its_neutral_place(model, shape, warp, units, quantile, bound):
    before, after = skin_error(model, shape, warp, row(model, **units))
    assert before.quantile(quantile) > 1.4 * bound  # there is something to undo
    assert after.quantile(quantile) < bound
    assert after.mean() < 0.6 * before.mean()


def test_the_neutral_head_stays_and_so_does_the_air_around_it(model, warp):
    points = warp.low + (warp.high - warp.low) * torch.rand(50, 4, 3)
    nobody = torch.zeros(50, dtype=torch.int64)
    assert torch.allclose(warp(points, nobody, torch.zeros(1, model.n_expression + 5)), points, atol=1e-7)
    outside = warp.high + 0.1 + torch.rand(50, 4, 3)
    assert torch.equal(warp(outside, nobody, row(model, jaw=0.4)[None]), outside)


def test_every_image_is_warped_by_its_own_signal(model, warp):
    signals = torch.stack([row(model, jaw=0.3), row(model, mouthSmile=0.5), row(model, lids=1.0)])
    points = torch.rand(9, 5, 3) * 0.1
    image = torch.tensor([0, 0, 0, 0, 0, 2, 2, 2, 2])  # as many rays as meet the head: none of image 1
    together = warp(points, image, signals)
    for i in (0, 2):
        mine = image == i
        alone = warp(points[mine], torch.zeros(int(mine.sum()), dtype=torch.int64), signals[i : i + 1])
        assert torch.allclose(together[mine], alone, atol=1e-7)
    none = points[:0]
    assert warp(none, image[:0], signals).shape == (0, 5, 3)


def test_motion_fades_away_from_the_surface():
    nodes = torch.tensor([[0.0, 0, 0], [FULL, 0, 0], [(FULL + GONE) / 2, 0, 0], [GONE, 0, 0], [1.0, 0, 0]])
    weights, _ = node_weights(nodes, torch.zeros(9, 3))
    assert weights.sum(1).tolist() == pytest.approx([1, 1, 0.5, 0, 0], abs=1e-5)


def toy_head() -> HeadMotion:
    """A flat face that its only expression moves up by 2 cm; its lids and jaw move nothing."""
    line = torch.linspace(-0.1, 0.1, 12)
    vertices = torch.stack([*torch.meshgrid(line, line, indexing="ij"), torch.zeros(12, 12)], -1).flatten(0, 1)
    moves = torch.zeros(1 + 2 + 9, len(vertices), 3)
    moves[0, :, 1] = 0.02
    return HeadMotion(vertices, moves, torch.zeros(len(vertices)), torch.zeros(3))


def with_head():
    toy = make_toy()
    return replace(toy, signal=torch.cat([toy.signal[:, :1], torch.zeros(2, 5)], 1), head=toy_head())


@pytest.mark.parametrize("mode", ["warp", "both"])
def test_a_warping_renderer_trains_and_comes_back_from_its_file_alone(mode, tmp_path):
    data = with_head()
    components = replace(make_components(), conditioning=FlameConditioning(mode, 8, 8))
    settings = make_settings(steps=10)
    model, _ = train_renderer(data, components, settings, 0, Silent())
    save_renderer(tmp_path / "renderer.safetensors", model)
    again = load_renderer(tmp_path / "renderer.safetensors", components, settings)
    shown = [m.frames(data.signal, data.head_to_world, data.root) for m in (model, again)]
    assert torch.equal(*shown)
    still = again.frames(torch.zeros_like(data.signal), data.head_to_world, data.root)
    assert not torch.equal(shown[0][1], still[1])  # the signal moves the head
    with pytest.raises(ValueError, match="no head was given"):
        train_renderer(replace(data, head=None), components, settings, 0, Silent())


def test_warped_only_no_coefficient_enters_the_field():
    conditioning = FlameConditioning("warp").build(44)
    assert conditioning.width == 0
    assert conditioning(torch.randn(3, 44)).shape == (3, 0)
    assert list(conditioning.parameters()) == []
    assert FlameConditioning("both", width=8).build(44)(torch.randn(3, 44)).shape == (3, 8)


def test_coefficients_of_another_head_are_refused(model, shape):
    with pytest.raises(ValueError, match="moves by"):
        HeadWarp(20).take(head_motion(model, shape), torch.tensor([[-1.0] * 3, [1.0] * 3]))

"""One branch for each stream: which half of a style it sees, what noise changes, and who trains it."""

from dataclasses import replace

import pytest
import torch
from motion_toys import FEATURES, JAW, MOTION_SETTINGS, STYLE, WIDTH, Silent, toy_clip, toy_clips

from erlnet.adf.branch import halves
from erlnet.adf.components import Direct, Dual, Fsq, MeanStyle, NoSpeechLoss, Single, TransformerStyle
from erlnet.adf.generate import generate
from erlnet.adf.noise import NoiseSource, noise_windows
from erlnet.adf.settings import MotionSettings
from erlnet.adf.train_mapper import build_mapper, train_mapper
from erlnet.adf.training import seeded

SMALL = {"width": 8, "layers": 1, "heads": 2, "reach": 2, "code_dim": 4}


def untrained(vq, style, **settings):
    torch.manual_seed(0)
    codec = vq(**SMALL).build(WIDTH, 6, Fsq(levels=(3, 3))).eval()
    for scale, stream in zip(codec.scales, ("expression", "pose")):
        scale.fit([getattr(clip, stream) for clip in toy_clips()])
    sizes = {"width": 8, "heads": 2, "reach": 3, "style_width": 5, **settings}  # halves of 3 and 2
    return build_mapper(FEATURES, codec, style, MotionSettings(**sizes)).eval(), codec


def swapped(mapper, codec):
    """Motions of one sound styled by clip a, by a with b's pose, and by a with b's expression."""
    clip, a, b = toy_clip(9), toy_clip(0), toy_clip(1, style="lively")
    shown = ((a.expression, a.pose), (a.expression, b.pose), (b.expression, a.pose))
    return [generate(mapper, codec, clip.features, *streams) for streams in shown]


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Bit for bit; a difference that only rounding makes is neither."""
    equal = torch.equal(one, other)
    assert equal or (one - other).abs().max() > 1e-4
    return equal


def test_each_branch_sees_its_own_half_of_a_split_style() -> None:
    style = torch.arange(1.0, 11).view(2, 5)
    encoder = MeanStyle().build(3, 2, 5)
    expression, pose = halves(encoder, style)
    assert expression.tolist() == [[1, 2, 3, 0, 0], [6, 7, 8, 0, 0]]
    assert pose.tolist() == [[0, 0, 0, 4, 5], [0, 0, 0, 9, 10]]
    whole = MeanStyle(split=False).build(3, 2, 5)
    assert all(torch.equal(seen, style) for seen in halves(whole, style))


def test_a_trained_mappers_streams_follow_their_own_style_and_no_other(mapper, codec) -> None:
    plain, pose_swapped, expression_swapped = swapped(mapper, codec)
    assert [same(*pair) for pair in zip(plain, pose_swapped)] == [True, False]
    assert [same(*pair) for pair in zip(plain, expression_swapped)] == [False, True]


@pytest.mark.parametrize("style", [TransformerStyle(width=8, heads=2), MeanStyle()])
@pytest.mark.parametrize("vq", [Dual, Direct])
def test_with_a_decoder_for_each_stream_a_split_style_keeps_them_apart(vq, style) -> None:
    plain, pose_swapped, expression_swapped = swapped(*untrained(vq, style))
    assert [same(*pair) for pair in zip(plain, pose_swapped)] == [True, False]
    assert [same(*pair) for pair in zip(plain, expression_swapped)] == [False, True]
    plain, pose_swapped, expression_swapped = swapped(*untrained(vq, replace(style, split=False)))
    assert [same(*pair) for pair in zip(plain, pose_swapped)] == [False, False]
    assert [same(*pair) for pair in zip(plain, expression_swapped)] == [False, False]


def test_one_decoder_of_both_streams_cannot_keep_split_styles_apart() -> None:
    plain, pose_swapped, _ = swapped(*untrained(Single, MeanStyle()))
    assert [same(*pair) for pair in zip(plain, pose_swapped)] == [False, False]


@pytest.mark.parametrize(
    ("vq", "reached"), [(Dual, ([1, 0], [0, 1])), (Direct, ([1, 0], [0, 1])), (Single, ([1, 1], [1, 1]))]
)
def test_which_streams_a_branch_reaches(vq, reached) -> None:
    """By gradients: its own stream alone, or, where both branches are summed for one decoder, both."""
    mapper, codec = untrained(vq, MeanStyle(), dropout=0.0)
    sound, vector = toy_clip(9, 20).features[None], torch.randn(1, 5)
    motion = mapper.motion(codec, mapper.latents(mapper(sound, vector, noise_windows(1, 20))))
    for name, expected in zip(("expression", "pose"), reached):
        weights = list(getattr(mapper, name).parameters())
        for stream, does in zip(motion, expected, strict=True):
            slopes = torch.autograd.grad(stream.square().sum(), weights, retain_graph=True, allow_unused=True)
            assert any(g is not None and bool(g.abs().max() > 0) for g in slopes) == bool(does)


def test_both_branches_are_given_the_noise() -> None:
    mapper, codec = untrained(Dual, MeanStyle())
    sound, vector = toy_clip(9, 20).features[None], torch.randn(1, 5)
    for branch, moved in ((mapper.expression, [True, False]), (mapper.pose, [False, True])):
        before = branch.chance.weight.detach().clone()
        plain, other = [], []
        for made, gain in ((plain, 1.0), (other, 0.0)):
            with torch.no_grad():
                branch.chance.weight.copy_(gain * before)
                made.extend(mapper.motion(codec, mapper.latents(mapper(sound, vector, NoiseSource(0).take(20)[None]))))
        branch.chance.weight.data.copy_(before)
        assert [not same(*pair) for pair in zip(plain, other)] == moved


def test_a_seed_gives_one_motion_and_other_seeds_other_heads_that_say_the_same(mapper, codec) -> None:
    """Counted as the share of a channel's variance that lies between seeds at one frame."""
    clip, shown = toy_clip(200, 400), toy_clip(0)

    def made(seed: int) -> torch.Tensor:
        return torch.cat(generate(mapper, codec, clip.features, shown.expression, shown.pose, seed), dim=-1)

    motions = torch.stack([made(seed) for seed in range(8)])
    assert torch.equal(made(3), motions[3])
    assert torch.equal(torch.cat(generate(mapper, codec, clip.features, shown.expression, shown.pose), -1), motions[0])
    total = motions.var((0, 1))
    between = motions.var(0).mean(0) / total
    assert between[JAW] < 0.15, "the sound decides what the jaw does"
    assert between[WIDTH:].min() > 0.8, "and nothing of this head, which never heard it"
    spread = (total[WIDTH:].sqrt() / clip.pose.std(0)).mean()
    assert 0.3 < spread < 1.3, "a mean head would stand still"


def test_without_its_energy_score_the_head_learns_nothing(codec) -> None:
    """Weights that no loss reaches only decay (docs/adf.md): all are what they were, times one number below 1."""
    settings = replace(MOTION_SETTINGS, steps=8, face_energy=0.0, head_energy=0.0)
    trained, _ = train_mapper(toy_clips(), codec, STYLE, NoSpeechLoss(), settings, 0, Silent())
    with seeded(0):
        begun = build_mapper(FEATURES, codec, STYLE, settings)
    shares = []
    for name, now in trained.named_parameters():
        before = begun.get_parameter(name).detach()
        if name.startswith(("pose.", "place.1.", "style.pose.")):
            moved = before.square().sum() > 0
            shares.append(float((now.detach() * before).sum() / before.square().sum()) if moved else shares[-1])
            torch.testing.assert_close(now, shares[-1] * before, atol=1e-6, rtol=1e-4)
    assert 0.99 < min(shares) <= max(shares) < 1
    assert max(shares) - min(shares) < 1e-5
    name = "expression.chance.weight"
    assert (trained.get_parameter(name) - begun.get_parameter(name)).abs().max() > 1e-3
